"""Rules that hold each service to what it promised of its buckets, and of the events it hears; as `promises` does."""

from tests.infra.gates.buckets import expiry, lifecycle
from tests.infra.gates.data import BUCKET
from tests.infra.gates.declared import RULE, is_route
from tests.infra.gates.events import leaves
from tests.infra.gates.model import Json, Resource
from tests.infra.gates.promises import as_promised
from tests.infra.gates.references import text


def _route(route: Resource) -> str | list[str]:
    """What it waits for, where it puts that, and for how long it tries."""
    if not is_route(route):
        return ""
    asked = [
        f"{name} begins with {each['prefix']}"
        if isinstance(each, dict) and "prefix" in each
        else f"{name} is {text(each)}"
        for name, each in leaves(route.properties["EventPattern"])
    ]
    tried = [
        f"to {text(goal.get('Arn'))}, {policy.get('MaximumRetryAttempts')} tries more within "
        f"{policy.get('MaximumEventAgeInSeconds')} s, then to {text(goal.get('DeadLetterConfig', {}).get('Arn'))}"
        for goal in route.properties.get("Targets", [])
        for policy in [goal.get("RetryPolicy", {})]
    ]
    return asked + tried


ROUTES = as_promised(
    "events-are-heard-as-promised",
    "A pattern that asks for a letter more hears nothing, and deploys without complaint",
    "events",
    (RULE,),
    _route,
)


def _bucket(bucket: Resource) -> list[str]:
    """How long what stays, and what pages may; old versions, which differ by environment, have a rule of their own."""
    cors = bucket.properties.get("CorsConfiguration", {}).get("CorsRules", [])
    parts = [
        each["AbortIncompleteMultipartUpload"] for each in lifecycle(bucket) if "AbortIncompleteMultipartUpload" in each
    ]
    return [
        *(f"{prefix or 'everything'} for {days} days" for prefix, days in sorted(expiry(bucket).items())),
        *(f"parts of uploads for {each.get('DaysAfterInitiation')} days" for each in parts),
        *(f"{_whose(each)} pages: {_shared(each)}" for each in cors),
    ]


def _whose(cors: Json) -> str:
    return "all" if cors.get("AllowedOrigins") == ["*"] else "own"


def _shared(cors: Json) -> str:
    lists = [", ".join(cors.get(name, ())) for name in ("AllowedMethods", "AllowedHeaders", "ExposedHeaders")]
    return f"{lists[0]} with {lists[1]}, see {lists[2]}, asked again after {cors.get('MaxAge')} s"


KEPT = as_promised(
    "objects-stay-as-promised",
    "What S3 deletes, and what a page may no longer do, is missed by people and by no server",
    "buckets",
    (BUCKET,),
    _bucket,
)
