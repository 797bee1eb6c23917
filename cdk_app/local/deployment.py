"""The real `cdk deploy` of environment `local` into the emulator, left out when it would change nothing.

Synthesis is a pure function of the repository, so a digest of the files it reads says whether a deployment is due,
without the seconds of asking. What is really there is asked of the emulator every time, and compared with what the last
deployment put there: after a kill an earlier state comes back, with the code of then.
"""

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

from cdk_app.environments import LOCAL
from cdk_app.local.interrupts import Interrupts
from cdk_app.local.inventory import read_inventory
from cdk_app.local.layout import ROOT, Layout, LocalCloudError
from cdk_app.local.ministack import QUALIFIER, QUICK, MiniStack
from cdk_app.local.processes import ChildProcess

TIMEOUT_SECONDS: Final = 300
VENV_BIN: Final = ROOT / ".venv" / "bin"
CDK: Final = ROOT / "node_modules" / ".bin" / "cdk"

# All that synthesis reads; what stands on top of the stacks is never part of them.
INPUT_FILES: Final = ("app.py", "cdk.json", "requirements.txt", "package-lock.json")
INPUT_FOLDERS: Final = ("cdk_app", "lambda_src")
NO_INPUT: Final = tuple(Path("cdk_app") / room for room in ("docs", "local", "operations"))


class Deployment:
    """What of environment `local` is in the emulator, and how it gets there."""

    def __init__(self, emulator: MiniStack, layout: Layout, interrupts: Interrupts) -> None:
        self._emulator = emulator
        self._interrupts = interrupts
        self._marker = layout.state_directory / "deployed"
        self._assembly = layout.state_directory / "cdk.out"  # leaves the `cdk.out` of `make synth` alone
        self._logs = layout.log_directory
        self._port_offset = layout.port_offset

    def is_current(self, stack_names: Iterable[str]) -> bool:
        """Whether these stacks are there as deployed last, and that from the files as they are now. 30 requests."""
        try:
            marker = self._marker.read_bytes()
        except FileNotFoundError:
            return False
        digest = digest_of_inputs()
        if not marker.startswith(digest.encode()):
            return False
        try:
            return marker == f"{digest} {what_is_there(self._emulator, stack_names)}".encode()
        except ClientError:  # something is missing
            return False

    def renew(self, stack_names: Iterable[str]) -> None:
        """Synthesise and deploy all stacks. Raises LocalCloudError with the last words of what failed.

        Takes 10-40 s: loading the CDK library, bundling what changed, and the deployment itself.
        """
        self._marker.unlink(missing_ok=True)
        digest = digest_of_inputs()  # before synthesis reads them: what changes meanwhile is deployed next time
        self._run(
            "cdk deploy",
            (
                str(CDK), "deploy", "--all", "--context", f"environment={LOCAL.name}",
                "--context", f"port_offset={self._port_offset}", "--output", str(self._assembly),
                "--context", f"@aws-cdk/core:bootstrapQualifier={QUALIFIER}",  # whatever cdk.json says for AWS
                "--require-approval", "never", "--concurrency", "4", "--progress", "events", "--no-notices",
                "--no-color",
            ),
        )  # fmt: skip
        try:
            there = what_is_there(self._emulator, stack_names)
        except ClientError as error:
            raise LocalCloudError(
                f"The emulator lost a part of a stack, and a deployment does not bring it back ({error}). "
                "`make reset` forgets all local data, and `make run` begins anew"
            ) from error
        self._marker.write_text(f"{digest} {there}", encoding="ascii")

    def _run(self, name: str, command: tuple[str, ...]) -> None:
        log_path = self._logs / f"{name.replace(' ', '-')}.log"
        with ExitStack() as at_exit:
            with self._interrupts.held():
                process = ChildProcess.start(
                    name, command, environment=_environment(self._emulator.url), log_path=log_path
                )
                at_exit.callback(process.stop, grace_seconds=2)
            exit_code = process.wait(timeout_seconds=TIMEOUT_SECONDS)
        if exit_code != 0:
            raise LocalCloudError(f"{name} ended with {exit_code}:\n{process.log_tail()}")


def what_is_there(emulator: MiniStack, stack_names: Iterable[str]) -> str:
    """Digest of stacks as the emulator has them: status, template and resources, and the code that functions run.

    Raises ClientError when a stack is missing, or a function, queue, secret or API that it holds.
    """
    names = tuple(stack_names)

    def client(service: Any) -> Any:
        return emulator.session.client(service, endpoint_url=emulator.url, config=QUICK)

    stacks, functions, queues = client("cloudformation"), client("lambda"), client("sqs")
    secrets, gateway = client("secretsmanager"), client("apigatewayv2")
    found: list[Any] = [
        (
            stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"],
            stacks.get_template(StackName=name)["TemplateBody"],
        )
        for name in names
    ]
    inventory = read_inventory(emulator, names)
    found.append(sorted(inventory.by_type.items()))
    for function in inventory.of("AWS::Lambda::Function", "AWS::Lambda::Alias"):
        settings = functions.get_function_configuration(FunctionName=function)
        found.append((function, settings["Version"], settings["CodeSha256"]))
    for url in inventory.of("AWS::SQS::Queue"):
        queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    for secret in inventory.of("AWS::SecretsManager::Secret"):
        secrets.get_secret_value(SecretId=secret)
    found.extend(gateway.get_routes(ApiId=api)["Items"] for api in inventory.of("AWS::ApiGatewayV2::Api"))
    return hashlib.sha256(repr(found).encode()).hexdigest()


def digest_of_inputs(root: Path = ROOT) -> str:
    """Digest of every file that synthesis reads, and of the interpreter whose byte code the bundles hold."""
    digest = hashlib.sha256(sys.version.encode())
    for path in _inputs(root):
        content = path.read_bytes()
        digest.update(f"\0{path.relative_to(root)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _inputs(root: Path) -> Iterator[Path]:
    yield from (root / name for name in INPUT_FILES)
    for folder in INPUT_FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and path.suffix != ".pyc" and not _is_in(path.relative_to(root), NO_INPUT):
                yield path


def _is_in(path: Path, folders: Iterable[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _environment(endpoint: str) -> dict[str, str]:
    return {
        **os.environ,
        "PATH": os.pathsep.join((str(VENV_BIN), os.environ.get("PATH", os.defpath))),  # the locked Node comes first
        "AWS_ENDPOINT_URL": endpoint,  # the CLI follows it,
        "AWS_ENDPOINT_URL_S3": endpoint,  # and for S3 this one, or it puts the bucket into the host name
        "CDK_VALIDATION": "false",  # 6-19 s of template rules, which `make test` applies
        "CDK_DISABLE_CLI_TELEMETRY": "true",
    }
