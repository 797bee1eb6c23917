"""The real `cdk deploy` of environment `local` into the emulator, left out when it would change nothing.

Synthesis is a pure function of the repository, so a digest of the files it reads says whether a deployment is due,
without the seconds of asking. Whether the stacks are really there is asked of the emulator every time, because it
forgets what it did not write down: it writes its state when it is ended politely, and only then.
"""

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from botocore.exceptions import ClientError

from cdk_app.environments import LOCAL
from cdk_app.local.interrupts import Interrupts
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
        """Whether these stacks, made from the files as they are now, are in the emulator. One request per stack."""
        if not self._marker.is_file() or self._marker.read_text(encoding="ascii") != digest_of_inputs():
            return False
        return all(self._is_complete(name) for name in stack_names)

    def renew(self) -> None:
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
        self._marker.write_text(digest, encoding="ascii")

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

    def _is_complete(self, stack_name: str) -> bool:
        stacks = self._emulator.session.client("cloudformation", endpoint_url=self._emulator.url, config=QUICK)
        try:
            status = stacks.describe_stacks(StackName=stack_name)["Stacks"][0]["StackStatus"]
        except ClientError:  # "does not exist" is a ValidationError
            return False
        return status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


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
