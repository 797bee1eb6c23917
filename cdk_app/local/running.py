"""What a running local cloud consists of: the one value that the runner hands to the console and prints as a table.

Everything here is plain data about addresses on the loopback interface. It is known once the stacks are deployed and
does not change until the next `make run`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from cdk_app.services.service import FirstAccount

ACCOUNT_ID = "123456789012"  # the account that the emulator pretends to be
REGION = "us-east-1"
CREDENTIALS: Mapping[str, str] = MappingProxyType({"aws_access_key_id": "local", "aws_secret_access_key": "local"})


@dataclass(frozen=True, slots=True)
class DeployedQueue:
    """A queue and where its refused messages go. name: as CloudFormation made it; urls as SQS names them."""

    name: str
    url: str
    dead_letter_url: str | None


@dataclass(frozen=True, slots=True)
class DeployedFunction:
    """A deployed function. name: the physical name; log_group: where its lines are read."""

    name: str
    log_group: str


@dataclass(frozen=True, slots=True)
class RunningService:
    """One service that runs. name: as in its stack names; url: its API as a browser on this machine reaches it.

    signs_in: people sign in at `/auth/login` and come back to the console's `callback.html`. accounts: who exists from
    the start, with the password that was generated then; it may have been changed since.
    """

    name: str
    title: str
    url: str
    signs_in: bool = False
    accounts: tuple[FirstAccount, ...] = ()
    functions: tuple[DeployedFunction, ...] = ()
    queues: tuple[DeployedQueue, ...] = ()
    table_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunningStandIn:
    """A program that stands for outside services. title: which ones."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class LocalCloud:
    """The running local cloud.

    aws_endpoint: the emulator of every AWS service but DynamoDB; dynamodb_endpoint: DynamoDB Local;
    stand_ins: what is not there is reached for real.
    """

    services: tuple[RunningService, ...]
    aws_endpoint: str
    dynamodb_endpoint: str
    console_url: str
    state_directory: Path
    stand_ins: tuple[RunningStandIn, ...] = ()
    region: str = REGION
    credentials: Mapping[str, str] = field(default_factory=lambda: CREDENTIALS)
