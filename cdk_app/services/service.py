"""What a service is to the engines that synthesise it, run it on this machine, operate and describe it: one value.

Whatever is slow to import, or needs more than `requirements.txt` installs, stands in the value as a reference, the
`module:name` of an entry point. The engine in need of it resolves it (`pkgutil.resolve_name`), no other loads it.
So the runner starts without the CDK library, and synthesis without the tools of a developer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cdk_app.constructs.bundling import RUNTIME_AWS_SERVICES, BundleContents
from cdk_app.services.flags import Flag
from lambda_src.dynamo.schema import Table
from lambda_src.runtime.buckets import Bucket
from lambda_src.runtime.transcription_jobs import TranscriptionJobs

type Reference = str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address of an outside service, which functions read from a variable.

    path: of its stand-in, below the address of that program. key: its variable in `.env`, and in lower case its field
    in the secret of the service; None: nobody asks for one. real_with: key of another endpoint without whose real
    answers those of this one would be of no use, and with which it is reached for real, too.
    """

    variable: str
    path: str = ""
    key: str | None = None
    real_with: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """A program of this machine that stands for outside services; `GET /` answers 200 once it is up.

    name: of its log. title: what it stands for. port: of a local cloud without an offset. application: function
    that makes it, with sample data. Services that call the same endpoints name the same stand-in.
    """

    name: str
    title: str
    port: int
    application: Reference
    endpoints: tuple[Endpoint, ...]

    def variables(self, url: str) -> dict[str, str]:
        """What functions are told while it runs at this address, `http://localhost:<port>`."""
        return {endpoint.variable: url.rstrip("/") + endpoint.path for endpoint in self.endpoints}


@dataclass(frozen=True, slots=True)
class FirstAccount:
    """Somebody who exists from the start."""

    username: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Service:
    """One service.

    name: in the names of its stacks, `<name>Data` and `<name>App`. package: its folder below `lambda_src.services` and
    below `cdk_app.services`. title: what people call it. local_port: of its API on this machine. also_calls: AWS
    services that its functions call beside those that every function does, as botocore names them.
    buckets: what it keeps beside its tables. jobs: of Amazon Transcribe. flags: what the command line may set for it.
    queues, secrets: the constructs that variables of its functions lead to, by variable. tasks: what its schedules ask
    for, by the minutes between two calls. Rules hold the templates against these three.
    data_stack: class made from an environment; app_stack: class made from an environment and that data stack.
    stand_ins: for what it calls outside. local_secrets: by field of its secret, functions that make up a value.
    samples: function that gives the service its first data on a `Ground`; it may be repeated, and raises
    httpx.HTTPError.
    smoke: function that takes the `Steps` of a check, raises StepFailed and deletes what it made. workload: function
    that makes the `Workload` of the cost page; None where nobody has described the traffic yet.
    """

    name: str
    package: str
    title: str
    local_port: int
    tables: Sequence[Table]
    buckets: Sequence[Bucket] = ()
    jobs: TranscriptionJobs | None = None
    flags: Sequence[Flag] = ()
    queues: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    tasks: Mapping[str, int] = field(default_factory=dict)
    also_calls: frozenset[str] = frozenset()
    data_stack: Reference
    app_stack: Reference
    smoke: Reference
    stand_ins: tuple[StandIn, ...] = ()
    local_secrets: Reference | None = None
    samples: Reference | None = None
    workload: Reference | None = None

    @property
    def bundle(self) -> BundleContents:
        """What the zip of its functions is made from."""
        return BundleContents(self.package, RUNTIME_AWS_SERVICES | self.also_calls)

    def stack_names(self, environment: str) -> tuple[str, str]:
        """The stack that keeps and the stack that runs, as CloudFormation knows them."""
        return f"{environment}-{self.name}Data", f"{environment}-{self.name}App"
