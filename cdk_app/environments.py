"""The environments a service can be deployed to, one typed value each.

Everything that differs between two environments is a field here; constructs and stacks ask these fields and never the
name. Account and region come from the CLI, the e-mail address of alarms is a parameter of the stack, and no value is
looked up, so synthesis needs neither network nor credentials.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal
from urllib.parse import urlsplit

# AWS sells Lambda log retention in fixed steps; these are the ones in use here.
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
type LogRetentionDays = Literal[7, 30, 90, 365]

NOT_PRODUCTION: Final = frozenset({"local", "dev", "staging"})
LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 - refused, never bound


class UnknownEnvironment(ValueError):
    """No environment has this name."""


class UnsafeEnvironment(ValueError):
    """The values of an environment contradict each other, or would be unsafe in production."""


@dataclass(frozen=True, slots=True)
class FunctionSize:
    """Memory and time of a Lambda function. CPU grows with memory: 1,769 MB is one full core."""

    memory_mb: int
    timeout_seconds: int


@dataclass(frozen=True, slots=True)
class Throttle:
    """Token bucket of API Gateway: a steady rate and how far a burst may exceed it."""

    requests_per_second: int
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One environment. Raises UnsafeEnvironment when production is given a local or wildcard origin.

    frontend_url: origin of the web client, exactly as browsers send it in `Origin`.
    retain_data: tables and secrets outlive their stack, and stacks with data are protected from deletion.
    on_this_machine: bundled for the host and deployed into the local cloud rather than to AWS.
    table_names: physical name by declared name, for a restore into a new table; empty means `<seed>-<environment>`.
    """

    name: str
    frontend_url: str
    cors_extra_origins: tuple[str, ...] = ()
    retain_data: bool = False
    point_in_time_recovery: bool = False
    log_retention_days: LogRetentionDays = 7
    api_size: FunctionSize = FunctionSize(memory_mb=512, timeout_seconds=30)
    worker_size: FunctionSize = FunctionSize(memory_mb=1024, timeout_seconds=900)
    snap_start: bool = False
    tracing: bool = True
    throttle: Throttle = Throttle(requests_per_second=50, burst=100)
    write_throttle: Throttle = Throttle(requests_per_second=5, burst=10)
    on_this_machine: bool = False
    table_names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        for origin in self.origins:
            _check_origin(origin, is_production=self.is_production)
        if self.is_production and not (self.retain_data and self.point_in_time_recovery):
            raise UnsafeEnvironment(f"{self.name}: production data must be retained and recoverable")

    @property
    def is_production(self) -> bool:
        """True for every name that is not known to be harmless, so that a new environment starts out guarded."""
        return self.name not in NOT_PRODUCTION

    @property
    def origins(self) -> tuple[str, ...]:
        """Origins that browsers may call from."""
        return (self.frontend_url, *self.cors_extra_origins)

    def table_name(self, *, declared_name: str, seed_name: str) -> str:
        """Physical name of a table: the override of this environment, else `<seed>-<environment>`."""
        return self.table_names.get(declared_name, f"{seed_name}-{self.name}")


def _check_origin(origin: str, *, is_production: bool) -> None:
    """Refuse what a browser never sends as an origin, and in production what only a laptop would."""
    if "*" in origin:
        raise UnsafeEnvironment(f"{origin}: origins are exact, `*` would let every page call the API")
    parts = urlsplit(origin)
    if parts.scheme not in {"http", "https"} or not parts.netloc or f"{parts.scheme}://{parts.netloc}" != origin:
        raise UnsafeEnvironment(f"{origin}: an origin is scheme, host and port, without path or trailing slash")
    if is_production and (parts.scheme != "https" or parts.hostname in LOCAL_HOSTS):
        raise UnsafeEnvironment(f"{origin}: production origins are https and never this machine")


LOCAL: Final = Environment(
    name="local",
    frontend_url="http://localhost:5173",
    cors_extra_origins=("http://localhost:3000", "http://localhost:8000"),
    tracing=False,
    on_this_machine=True,
)
DEV: Final = Environment(
    name="dev",
    frontend_url="https://dev.stocktrackrecord.example",
    cors_extra_origins=("http://localhost:5173",),
)
STAGING: Final = Environment(
    name="staging",
    frontend_url="https://staging.stocktrackrecord.example",
    log_retention_days=30,
    point_in_time_recovery=True,
    snap_start=True,
)
PROD: Final = Environment(
    name="prod",
    frontend_url="https://stocktrackrecord.example",  # an example domain: put your own here before the first deploy
    log_retention_days=90,
    retain_data=True,
    point_in_time_recovery=True,
    snap_start=True,
)

ENVIRONMENTS: Final[Mapping[str, Environment]] = MappingProxyType(
    {environment.name: environment for environment in (LOCAL, DEV, STAGING, PROD)}
)


def environment_named(name: str) -> Environment:
    """The environment of this name. Raises UnknownEnvironment, listing the names there are."""
    try:
        return ENVIRONMENTS[name]
    except KeyError:
        known = ", ".join(ENVIRONMENTS)
        raise UnknownEnvironment(f"There is no environment {name!r}; choose one of: {known}") from None
