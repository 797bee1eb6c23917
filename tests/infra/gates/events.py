"""Rules about events that EventBridge brings to queues: which, by whose leave, and what becomes of those that fail."""

from collections.abc import Iterator
from typing import Any

from tests.infra.gates.alarms import watched
from tests.infra.gates.data import BUCKET
from tests.infra.gates.declared import RULE, is_route
from tests.infra.gates.identity import names_of_jobs
from tests.infra.gates.model import Complaints, Deployment, Json, Resource, rule
from tests.infra.gates.principals import QUEUE_POLICY, sender_of
from tests.infra.gates.queues import dead_letters_of, fed_functions
from tests.infra.gates.references import QUEUE, as_list, target, text

OF_BUCKETS = "aws.s3"
OF_JOBS = "aws.transcribe"
TRANSFORMS = ("Input", "InputPath", "InputTransformer")


def routes(deployment: Deployment) -> Iterator[tuple[Resource, Json]]:
    """(rule, target) of each place where a rule puts events."""
    for route in deployment.of_type(RULE):
        if is_route(route):
            yield from ((route, goal) for goal in route.properties.get("Targets", []))


def leaves(pattern: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted name, matcher) of everything that a pattern asks of an event."""
    if isinstance(pattern, dict):
        for name, part in pattern.items():
            yield from leaves(part, f"{path}.{name}" if path else name)
    else:
        yield from ((path, each) for each in as_list(pattern))


@rule("events-come-to-a-worker", "What no worker reads is lost after days; what was changed on its way is no event")
def events_come_to_a_worker(deployment: Deployment) -> Complaints:
    fed = {str(queue) for _, queue, _ in fed_functions(deployment)}
    for route, goal in routes(deployment):
        queue = target(deployment, route.stack, goal.get("Arn"))
        if queue is None or str(queue) not in fed or queue.stack.full_name != route.stack.full_name:
            yield route, f"puts events to {text(goal.get('Arn'))}, which feeds no worker of its stack"
        for name in TRANSFORMS:
            if name in goal:
                yield route, f"changes events by {name}"
    for route in deployment.of_type(RULE):
        if is_route(route) and len(route.properties.get("Targets", [])) != 1:
            yield route, "has not exactly one target"


@rule("events-are-our-own", "All services, environments and customers of an account share one bus")
def events_are_our_own(deployment: Deployment) -> Complaints:
    for route in deployment.of_type(RULE):
        if not is_route(route):
            continue
        pattern = route.properties["EventPattern"]
        found = list(leaves(pattern))
        if set(pattern) != {"source", "detail-type", "detail"} or not all(pattern.values()):
            yield route, f"matches by {', '.join(sorted(pattern))}"
        for name, matcher in found:
            if isinstance(matcher, dict) and not _is_known(deployment, route, matcher):
                yield route, f"{name} matches {text(matcher)}"
            elif text(matcher) in ("", "*"):
                yield route, f"{name} matches anything"
        about = {OF_BUCKETS: _of_a_bucket, OF_JOBS: _of_jobs}
        sources = [source for source in as_list(pattern.get("source")) if source in about] or [""]
        for source in sources:
            yield from about.get(source, _of_anything)(deployment, route, found)


def _is_known(deployment: Deployment, route: Resource, matcher: Json) -> bool:
    """One prefix, or something of ours."""
    prefix = matcher.get("prefix") if len(matcher) == 1 else None
    return bool(prefix and isinstance(prefix, str)) or target(deployment, route.stack, matcher) is not None


def _literal(matcher: Any) -> Any:
    return matcher["prefix"] if isinstance(matcher, dict) and "prefix" in matcher else matcher


def _of_a_bucket(deployment: Deployment, route: Resource, found: list[tuple[str, Any]]) -> Complaints:
    service = deployment.service_of(route.stack)
    names = [each for name, each in found if name == "detail.bucket.name"]
    meant = [target(deployment, route.stack, each) for each in names]
    for bucket, name in zip(meant, names, strict=True):
        if bucket is None or bucket.type != BUCKET or deployment.service_of(bucket.stack) is not service:
            yield route, f"hears of {text(name)}, which is no bucket of its service"
    if len(names) != 1:
        yield route, f"hears of {len(names)} buckets"
    declared = {f"{prefix.name}/" for bucket in (service.buckets if service else ()) for prefix in bucket.prefixes}
    for prefix in {text(_literal(each)) for name, each in found if name == "detail.object.key"} or {"every key"}:
        if prefix not in declared:
            yield route, f"hears of {prefix}, which nobody declared"


def _of_anything(deployment: Deployment, route: Resource, found: list[tuple[str, Any]]) -> Complaints:
    environment = deployment.environment.name
    if not any(environment in text(_literal(each)) for name, each in found if "." in name):
        yield route, f"hears of every environment: nothing of its pattern names {environment}"


def _of_jobs(deployment: Deployment, route: Resource, found: list[tuple[str, Any]]) -> Complaints:
    names = [text(_literal(each)) for name, each in found if name == "detail.TranscriptionJobName"]
    if names != [declared := names_of_jobs(deployment, route.stack)]:
        yield route, f"hears of jobs whose names begin with {names}, declared is {declared}"


@rule("events-may-come", "Without leave EventBridge gives up at once, and tells only its own metrics")
def events_may_come(deployment: Deployment) -> Complaints:
    let_in = {
        (str(sender_of(deployment, policy, statement)), str(target(deployment, policy.stack, statement["Resource"])))
        for policy in deployment.of_type(QUEUE_POLICY)
        for statement in as_list(policy.properties["PolicyDocument"]["Statement"])
        if statement["Effect"] == "Allow"
    }
    for route, goal in routes(deployment):
        for arn in (goal.get("Arn"), goal.get("DeadLetterConfig", {}).get("Arn")):
            queue = target(deployment, route.stack, arn)
            if queue is not None and (str(route), str(queue)) not in let_in:
                yield route, f"may not send to {queue.logical_id}"


@rule("failed-events-are-kept", "EventBridge drops what it cannot deliver, and the object lies there unnoticed")
def failed_events_are_kept(deployment: Deployment) -> Complaints:
    for route, goal in routes(deployment):
        queue = target(deployment, route.stack, goal.get("Arn"))
        dead = target(deployment, route.stack, goal.get("DeadLetterConfig", {}).get("Arn"))
        if dead is None or dead.type != QUEUE or (queue is not None and dead != dead_letters_of(deployment, queue)):
            yield route, "keeps what fails not among the dead letters of its queue"


@rule("events-are-not-tried-for-a-day", "By default it takes a day until somebody hears that nothing arrives")
def events_are_not_tried_for_a_day(deployment: Deployment) -> Complaints:
    for route, goal in routes(deployment):
        policy = goal.get("RetryPolicy", {})
        if policy.keys() != {"MaximumRetryAttempts", "MaximumEventAgeInSeconds"}:
            yield route, f"tries by {policy or 'the default'}"


@rule("events-are-watched", "A rule that fails looks like a bucket in which nothing happens")
def events_are_watched(deployment: Deployment) -> Complaints:
    seen = watched(deployment)
    for route in deployment.of_type(RULE):
        for metric in ("FailedInvocations", "InvocationsFailedToBeSentToDlq") if is_route(route) else ():
            if (metric, str(route)) not in seen:
                yield route, f"no alarm watches its {metric}"
