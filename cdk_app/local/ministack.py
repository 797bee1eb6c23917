"""MiniStack: the emulator of every AWS service but DynamoDB, with the functions as its child processes.

It keeps its state in memory and writes it to disk when it is ended politely, and when it is asked to (`kept_state`);
after a kill the last written one comes back, which `deployment` notices where it matters. Functions inherit its
environment, and the variables of their stack win: that is how they find DynamoDB Local and the stand-ins without a word
of either in a template. Browsers are kept out (`guarded_ministack`).
https://pypi.org/project/ministack/
"""

import os
import shutil
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import ClientError

from cdk_app.local import guarded_ministack, kept_state
from cdk_app.local.generations import Generations
from cdk_app.local.layout import HOST, LOCAL_DIRECTORY, LocalCloudError
from cdk_app.local.processes import ChildProcess
from cdk_app.local.running import ACCOUNT_ID, CREDENTIALS, REGION

INTERPRETER: Final = LOCAL_DIRECTORY / "ministack-venv" / "bin" / "python"
COMMAND: Final = (str(INTERPRETER), "-m", guarded_ministack.__name__)
START_TIMEOUT_SECONDS: Final = 60
# Writing its state took 2 s in trials; a busy laptop gets more.
STOP_GRACE_SECONDS: Final = 20
SAVE_TIMEOUT_SECONDS: Final = 20

_TRUSTS_NOBODY: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loading the certificates of the world takes 40 ms

QUICK: Final = Config(connect_timeout=2, read_timeout=20, retries={"mode": "standard", "max_attempts": 3})

# What `cdk bootstrap` would make, as far as the CLI asks for it; it accepts this version of that stack and later ones.
QUALIFIER: Final = "hnb659fds"
BOOTSTRAP_PARAMETER: Final = f"/cdk-bootstrap/{QUALIFIER}/version"
BOOTSTRAP_VERSION: Final = "30"
ASSET_BUCKET: Final = f"cdk-{QUALIFIER}-assets-{ACCOUNT_ID}-{REGION}"


class MiniStack:
    """One emulator, from start to stop. url: where it listens. session: boto3 with the credentials it accepts."""

    def __init__(self, process: ChildProcess, url: str) -> None:
        self.process = process
        self.url = url
        self.session = local_session()

    @classmethod
    def start(
        cls, *, port: int, state_directory: Path, log_path: Path, function_environment: Mapping[str, str]
    ) -> "MiniStack":
        """Start it; `wait_until_ready` is the other half. function_environment: what every function inherits."""
        scratch = state_directory / "scratch"  # unpacked functions; it leaves them behind
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        environment = {
            **os.environ,
            **function_environment,
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(port),
            "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
            "MINISTACK_REGION": REGION,
            "LAMBDA_EXECUTOR": "local",
            "LAMBDA_ACCOUNT_CONCURRENCY": "1000",  # as on AWS; its own depends on this machine's memory
            "IOT_MTLS_ENABLED": "0",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(Generations(state_directory).current),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(state_directory / "s3"),
            "TMPDIR": str(scratch),
            # With these it compares what is signed; functions sign with the secret, too, whoever has started it.
            **{name.upper(): value for name, value in CREDENTIALS.items()},
        }
        environment.pop("AWS_SESSION_TOKEN", None)
        process = ChildProcess.start("MiniStack", COMMAND, environment=environment, log_path=log_path)
        return cls(process, f"http://localhost:{port}")

    def wait_until_ready(self) -> None:
        """Return once it answers. Raises LocalCloudError when it does not within a minute."""
        self.process.wait_until(self._answers, timeout_seconds=START_TIMEOUT_SECONDS)

    def seed_bootstrap(self) -> None:
        """Put in place what `cdk deploy` expects of a bootstrapped account. Can be repeated.

        Assets of before are removed: of one that is there the CLI believes that it is whole, also after a kill.
        """
        parameters = self.session.client("ssm", endpoint_url=self.url, config=QUICK)
        parameters.put_parameter(Name=BOOTSTRAP_PARAMETER, Value=BOOTSTRAP_VERSION, Type="String", Overwrite=True)
        buckets = self.session.client("s3", endpoint_url=self.url, config=QUICK)
        try:
            buckets.head_bucket(Bucket=ASSET_BUCKET)
        except ClientError:
            buckets.create_bucket(Bucket=ASSET_BUCKET)
        for page in buckets.get_paginator("list_objects_v2").paginate(Bucket=ASSET_BUCKET):
            for asset in page.get("Contents", ()):
                buckets.delete_object(Bucket=ASSET_BUCKET, Key=asset["Key"])

    def save_state(self) -> None:
        """Have it write its state down. Raises LocalCloudError when it cannot."""
        try:
            answer = httpx.post(
                f"{self.url}{kept_state.PATH}", timeout=SAVE_TIMEOUT_SECONDS, trust_env=False, verify=_TRUSTS_NOBODY
            )
        except httpx.HTTPError as error:
            raise LocalCloudError(f"MiniStack does not answer: {error}\n{self.process.log_tail()}") from error
        if answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
            raise LocalCloudError(f"{kept_state.NOT_SAVED}: {answer.text}")

    def stop(self) -> None:
        """End it and its functions, its state written."""
        self.process.stop(grace_seconds=STOP_GRACE_SECONDS)

    def _answers(self) -> bool:
        return answers(f"{self.url}/_ministack/health")


def local_session() -> boto3.Session:
    """boto3 with the credentials that both emulators accept; each client is still given its endpoint."""
    return boto3.Session(
        aws_access_key_id=CREDENTIALS["aws_access_key_id"],
        aws_secret_access_key=CREDENTIALS["aws_secret_access_key"],
        region_name=REGION,
    )


def answers(url: str) -> bool:
    """Whether a GET of this address is answered well within two seconds."""
    try:
        return httpx.get(url, timeout=2, trust_env=False, verify=_TRUSTS_NOBODY).is_success
    except httpx.HTTPError:
        return False
