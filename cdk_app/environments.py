"""The environments a service can be deployed to, one typed value each.

Everything that differs between two environments is a field here; constructs and stacks ask these fields and never the
name. Account and region come from the CLI, the e-mail address of alarms is a parameter of the stack, and no value is
looked up, so synthesis needs neither network nor credentials.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, Literal
from urllib.parse import urlsplit

# AWS sells Lambda log retention in fixed steps; these are the ones in use here.
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
type LogRetentionDays = Literal[7, 30, 90, 365]
type RolloutStyle = Literal["all_at_once", "canary", "linear"]
type Maintenance = Literal["off", "read_only", "full"]

NOT_PRODUCTION: Final = frozenset({"local", "dev", "staging"})
# Alarms of an API look at five minutes together, and figures reach CloudWatch some minutes late: what is over sooner
# was watched by nobody.
SHORTEST_WATCH_MINUTES: Final = 10
LONGEST_SHIFT_MINUTES: Final = 48 * 60  # https://docs.aws.amazon.com/codedeploy/latest/userguide/limits.html
LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 - refused, never bound

# One identity by name: no account, and no wildcard.
OPERATOR_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:(?P<kind>user|role)/[\w+=,.@/-]+")
# A public key exactly as `cdk_app.operations.media_key` prints it: CloudFront changes none that is there, so that one
# character of white space more would stop a later deployment.
PUBLIC_KEY: Final = re.compile(r"-----BEGIN PUBLIC KEY-----\n([A-Za-z0-9+/=]{1,64}\n)+-----END PUBLIC KEY-----\n")
# https://developers.google.com/identity/gsi/web/guides/get-google-api-clientid
GOOGLE_CLIENT_ID: Final = re.compile(r"[a-z0-9-]+\.apps\.googleusercontent\.com")
STREAM_ARN: Final = re.compile(r"arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:\d{12}:table/(?P<table>[\w.-]+)/stream/[0-9T:.-]+")
# Where the usual tools of web clients serve a page on this machine: Vite, its preview, and what came before it.
WEB_CLIENTS: Final = (
    "http://localhost:5173",
    "http://127.0.0.1:5173",
    "http://localhost:4173",
    "http://127.0.0.1:4173",
    "http://localhost:3000",
)
CONSOLE: Final = "http://localhost:8000"  # of the local cloud, as `cdk_app.local` serves it


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


@dataclass(frozen=True, slots=True)
class TrafficStep:
    """One step of a gradual roll-out: a share of the requests, 1-99 %, and how long it is watched before the next.

    A canary takes one such step and then the rest. Linear takes as many as there are: 10 % and 2 minutes are ten steps,
    the last of them 18 minutes after the first. Nothing is watched after the last step.
    """

    percentage: int
    minutes: int

    def watched_minutes(self, rollout: RolloutStyle) -> int:
        """Minutes from the first to the last step, in which an alarm still takes everything back."""
        steps_to_go = -(-100 // self.percentage) - 1 if rollout == "linear" else 1
        return steps_to_go * self.minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One environment. Raises UnsafeEnvironment when production is given a local or wildcard origin.

    web_origins: by service, the origins of its web clients exactly as browsers send them in `Origin`; the first one is
    where its users come from.
    callback_mode: what the sign-in of nbhd.city hands to the page it ends at: `code`, which the page exchanges for the
    token, or `token` itself, for a web client from before that reads `?token=`; never in production
    (docs/deployment.md#a-web-client-that-reads-token).
    public_urls: by service, the address of its API under a domain of your own; else it is the gateway's.
    google_client_ids: by service, the OAuth client ids whose ID tokens of Google it takes. Raises UnsafeEnvironment for
    what is none.
    retain_data: tables and secrets outlive their stack, and stacks with data are protected from deletion.
    rollout: how callers of an API move to a new version of its function. `all_at_once`: with the deployment, and only
    a person takes a bad version back. `canary` and `linear`: by CodeDeploy in steps of `traffic_step`, and an alarm of
    the API takes it back. Workers always change at once; `constructs/rollout.py` says why.
    on_this_machine: bundled for the host and deployed into the local cloud rather than to AWS.
    monthly_budget_usd: what one service may cost in a month before its alarm topic is told; nothing is switched off.
    table_names: restored tables that functions use instead of those of the stack, by the name that the stack gives;
    docs/rollback.md tells the whole way.
    stream_arns: of those restored tables whose stream somebody reads, the ARN of the stream, by the same name. Raises
    UnsafeEnvironment for a stream of another table.
    maintenance: by service, what its API refuses for a while: `read_only` writes, `full` all but the health checks. Its
    worker goes on; docs/operations.md says how to stop that.
    migration_operator: ARN of the one user or role who may take the role that moves data into the tables
    (docs/migration.md). Without it, as before and after a migration, there is no such role.
    enable_cloudfront, enable_mqtt, yoto_client_id: flags of Yoto Smart Stream, which `-c` may set for one synthesis
    (docs/deployment.md#flags-of-yoto-smart-stream).
    media_public_keys: by service, the public halves of keys that sign addresses of its files, as PEM: first of the key
    in its secret, then of those before it, whose addresses still work. Raises UnsafeEnvironment for any other text.
    """

    name: str
    web_origins: Mapping[str, tuple[str, ...]]
    callback_mode: Literal["code", "token"] = "code"
    public_urls: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    google_client_ids: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    retain_data: bool = False
    point_in_time_recovery: bool = False
    log_retention_days: LogRetentionDays = 7
    api_size: FunctionSize = FunctionSize(memory_mb=512, timeout_seconds=30)
    worker_size: FunctionSize = FunctionSize(memory_mb=1024, timeout_seconds=900)
    snap_start: bool = False
    rollout: RolloutStyle = "all_at_once"
    traffic_step: TrafficStep = TrafficStep(percentage=10, minutes=10)
    tracing: bool = True
    throttle: Throttle = Throttle(requests_per_second=50, burst=100)
    write_throttle: Throttle = Throttle(requests_per_second=5, burst=10)
    monthly_budget_usd: int = 20
    on_this_machine: bool = False
    table_names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    stream_arns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    maintenance: Mapping[str, Maintenance] = field(default_factory=lambda: MappingProxyType({}))
    migration_operator: str | None = None
    enable_cloudfront: bool = False
    enable_mqtt: bool = False
    yoto_client_id: str = ""
    media_public_keys: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        for origins in self.web_origins.values():
            for origin in origins:
                _check_origin(origin, is_production=self.is_production)
        if self.is_production and not (self.retain_data and self.point_in_time_recovery):
            raise UnsafeEnvironment(f"{self.name}: production data must be retained and recoverable")
        if self.on_this_machine and self.enable_cloudfront:
            raise UnsafeEnvironment(f"{self.name}: the local cloud has no CloudFront; leave enable_cloudfront out")
        self._check_clients()
        self._check_keys()
        self._check_streams()
        if self.rollout != "all_at_once":
            self._check_rollout()
        if self.migration_operator is not None and not OPERATOR_ARN.fullmatch(self.migration_operator):
            raise UnsafeEnvironment(
                f"{self.name}: {self.migration_operator} is not one user or role, like "
                "arn:aws:iam::123456789012:role/Somebody"
            )

    @property
    def is_production(self) -> bool:
        """True for every name that is not known to be harmless, so that a new environment starts out guarded."""
        return self.name not in NOT_PRODUCTION

    def origins_of(self, service: str) -> tuple[str, ...]:
        """Origins that browsers may call a service from, its own frontend first. Raises UnsafeEnvironment for none."""
        origins = self.web_origins.get(service, ())
        if not origins:
            raise UnsafeEnvironment(f"{self.name}: `web_origins` has no origin for {service}")
        return origins

    def _check_rollout(self) -> None:
        """Refuse steps that CodeDeploy does not take, and those that are over before an alarm could fire."""
        step = self.traffic_step
        if self.on_this_machine:
            raise UnsafeEnvironment(f"{self.name}: the local cloud has no CodeDeploy; its rollout is all_at_once")
        if not (1 <= step.percentage <= 99 and step.minutes >= 1):
            raise UnsafeEnvironment(f"{self.name}: a step moves 1-99 % of the traffic and lasts a minute or more")
        if not SHORTEST_WATCH_MINUTES <= step.watched_minutes(self.rollout) <= LONGEST_SHIFT_MINUTES:
            raise UnsafeEnvironment(
                f"{self.name}: a rollout takes {SHORTEST_WATCH_MINUTES}-{LONGEST_SHIFT_MINUTES} minutes, "
                f"not {step.watched_minutes(self.rollout)}"
            )

    def _check_clients(self) -> None:
        """Refuse what Google never issued as a client id: tokens for it would be nobody's."""
        for service, client_ids in self.google_client_ids.items():
            for client_id in client_ids:
                if not GOOGLE_CLIENT_ID.fullmatch(client_id):
                    raise UnsafeEnvironment(
                        f"{self.name}: {client_id!r} in google_client_ids of {service} is no client id of Google, like "
                        "1234-abcd.apps.googleusercontent.com"
                    )

    def _check_keys(self) -> None:
        """Refuse what is no public key, without quoting it: perhaps it is the private half."""
        for service, keys in self.media_public_keys.items():
            for number, key in enumerate(keys, start=1):
                if not PUBLIC_KEY.fullmatch(key):
                    raise UnsafeEnvironment(
                        f"{self.name}: key {number} in media_public_keys of {service} is no public key as `python -m "
                        "cdk_app.operations.media_key` prints it, from BEGIN to the end of the last line"
                    )

    def _check_streams(self) -> None:
        """Refuse a stream that is not of the restored table: its reader would hear of another table's changes."""
        for name, arn in self.stream_arns.items():
            found = STREAM_ARN.fullmatch(arn)
            if found is None or found["table"] != self.table_names.get(name):
                raise UnsafeEnvironment(
                    f"{self.name}: {arn} in `stream_arns` is no stream of the table that `table_names` has for {name}"
                )

    def table_in_use(self, name: str) -> str:
        """The table to use: the restored one in its place, else itself. name: as the stack gives it."""
        return self.table_names.get(name, name)

    def stream_in_use(self, name: str) -> str | None:
        """ARN of the stream of the restored table; None where the table of the stack is used. name: as for that.

        Raises UnsafeEnvironment for a restored table without one: nobody would hear of its changes.
        """
        if name in self.table_names and name not in self.stream_arns:
            raise UnsafeEnvironment(
                f"{self.name}: `stream_arns` has no stream of {self.table_names[name]}; switch it on and name its ARN"
            )
        return self.stream_arns.get(name)


def _check_origin(origin: str, *, is_production: bool) -> None:
    """Refuse what a browser never sends as an origin, and in production what only a laptop would."""
    if "*" in origin:
        raise UnsafeEnvironment(f"{origin}: origins are exact, `*` would let every page call the API")
    parts = urlsplit(origin)
    usual_port = {"http": ":80", "https": ":443"}.get(parts.scheme)
    is_as_sent = bool(parts.netloc) and origin == f"{parts.scheme}://{parts.netloc.lower()}"
    if usual_port is None or not is_as_sent or "@" in origin or origin.endswith(usual_port):
        raise UnsafeEnvironment(
            f"{origin}: an origin is scheme, host and port as browsers send them, in lower case, without the port that "
            "the scheme has anyway, path or trailing slash"
        )
    if is_production and (parts.scheme != "https" or parts.hostname in LOCAL_HOSTS):
        raise UnsafeEnvironment(f"{origin}: production origins are https and never this machine")


LOCAL: Final = Environment(
    name="local",
    web_origins={
        "StockTrackRecord": (*WEB_CLIENTS, CONSOLE),
        "AlgoItny": (*WEB_CLIENTS, CONSOLE),
        "YotoSmartStream": (*WEB_CLIENTS, CONSOLE),
        "NbhdCity": (CONSOLE, *WEB_CLIENTS),
    },
    # What the stand-in of Google is told; it issues tokens for no other.
    google_client_ids={"AlgoItny": ("algoitny-local.apps.googleusercontent.com",)},
    # The sign-in of nbhd.city comes back to its address, and play links of Yoto Smart Stream begin with theirs.
    public_urls={"YotoSmartStream": "http://localhost:8003", "NbhdCity": "http://localhost:8004"},
    tracing=False,
    on_this_machine=True,
)
DEV: Final = Environment(
    name="dev",
    web_origins={
        "StockTrackRecord": ("https://dev.stocktrackrecord.example", "http://localhost:5173"),
        "AlgoItny": ("https://dev.testcase.run", "http://localhost:5173"),
        "YotoSmartStream": ("https://dev.yotosmartstream.example", "http://localhost:5173"),
        "NbhdCity": ("https://dev.nbhdcity.example", "http://localhost:5173"),
    },
)
STAGING: Final = Environment(
    name="staging",
    web_origins={
        "StockTrackRecord": ("https://staging.stocktrackrecord.example",),
        "AlgoItny": ("https://staging.testcase.run",),
        "YotoSmartStream": ("https://staging.yotosmartstream.example",),
        "NbhdCity": ("https://staging.nbhdcity.example",),
    },
    log_retention_days=30,
    point_in_time_recovery=True,
    snap_start=True,
    rollout="linear",
    traffic_step=TrafficStep(
        percentage=25, minutes=4
    ),  # at 25, 50, 75 and 100 %: 12 minutes, as few people wait for it
)
PROD: Final = Environment(
    name="prod",
    # mostly example domains: put your own here before the first deploy
    web_origins={
        "StockTrackRecord": ("https://stocktrackrecord.example",),
        "AlgoItny": ("https://testcase.run", "https://www.testcase.run"),
        "YotoSmartStream": ("https://yotosmartstream.example",),
        "NbhdCity": ("https://nbhdcity.example",),
    },
    log_retention_days=90,
    monthly_budget_usd=100,  # a first guess, to be set once a month of bills is known
    retain_data=True,
    point_in_time_recovery=True,
    snap_start=True,
    rollout="canary",
    traffic_step=TrafficStep(percentage=10, minutes=15),
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


def beside(environment: Environment, *, port_offset: int) -> Environment:
    """A local environment whose cloud has its ports moved, so that console and APIs have other addresses.

    Web clients, which are not part of it, stay where they are.
    """

    def moved(url: str) -> str:
        return f"http://localhost:{(urlsplit(url).port or 0) + port_offset}"

    return replace(
        environment,
        web_origins={
            service: tuple(moved(origin) if origin == CONSOLE else origin for origin in origins)
            for service, origins in environment.web_origins.items()
        },
        public_urls={service: moved(url) for service, url in environment.public_urls.items()},
    )
