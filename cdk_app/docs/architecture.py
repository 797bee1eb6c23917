"""What a service is made of and what flows where, read from its templates: the content of its architecture diagram.

A box is a resource that works or keeps; an arrow is an integration, an event source, a rule, a redrive policy, a
notification, or what a function's role allows it to do. Roles, log groups, permissions and the like are how that is
done, and are not drawn. Nothing here knows a service, so a further one is drawn without new code.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final, Literal

from cdk_app.docs.boxes import Box, box_of, is_drawn, watch_boxes
from cdk_app.docs.templates import Resource, Templates, texts

type Flow = Literal["calls", "feeds", "reads", "writes", "uses", "sends", "fails", "watches"]

# The verbs of IAM actions. `uses` is read and write in one.
_READS: Final = ("Get", "BatchGet", "Query", "List", "ConditionCheck", "Head")
_WRITES: Final = ("Put", "Update", "Delete", "BatchWrite", "Abort")
_SENDS: Final = ("SendMessage", "Publish", "PutEvents", "PutRecord", "PutRecords")
_CALLS: Final = ("Invoke", "StartExecution", "ExecuteApi")
# Reading a stream or a queue is what the event source does; its arrow is drawn already.
_OF_EVENT_SOURCES: Final = ("GetRecords", "GetShardIterator", "ListStreams", "ListShards", "GetQueueAttributes")


@dataclass(frozen=True, slots=True)
class Arrow:
    """source, target: ids of boxes. notes: short additions, such as the indexes that are queried."""

    source: str
    target: str
    flow: Flow
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Architecture:
    """The content of one diagram. boxes and arrows keep the order of the templates, which makes the picture stable."""

    title: str
    environment: str
    boxes: Sequence[Box]
    arrows: Sequence[Arrow]

    def box(self, box_id: str) -> Box:
        """The box of this id. Raises KeyError."""
        for box in self.boxes:
            if box.id == box_id:
                return box
        raise KeyError(box_id)

    def in_words(self) -> str:
        """Every arrow as a sentence, for those who cannot see the picture."""
        sentences = (f"{self._name(arrow.source)} {_said(arrow)} {self._name(arrow.target)}" for arrow in self.arrows)
        return ". ".join(sentences) + "."

    def _name(self, box_id: str) -> str:
        return self.box(box_id).title


def architecture_of(title: str, templates: Templates) -> Architecture:
    """Read boxes and arrows from the templates of a service."""
    drawn = [resource for resource in templates.resources if is_drawn(resource)]
    watching, notices = watch_boxes(templates)
    boxes = [*(box_of(resource, templates) for resource in drawn), *watching]
    names = {box.id: box.title for box in boxes}
    found = chain(
        _integrations(templates),
        _event_sources(templates),
        _rules(templates),
        _redrives(templates),
        _subscriptions(templates),
        _bucket_notifications(templates),
        _allowed(templates),
        (Arrow(source, target, "watches") for source, target in notices),
    )
    arrows = [arrow for arrow in found if arrow.source in names and arrow.target in names]
    return Architecture(title, templates.environment, boxes, _given_up_directly(_merged(arrows), names))


def _said(arrow: Arrow) -> str:
    words = {"uses": "reads and writes", "fails": "gives up messages to", "watches": "notify", "sends": "sends to"}
    return words.get(arrow.flow, arrow.flow) + (f" ({', '.join(arrow.notes)})" if arrow.notes else "")


def _integrations(templates: Templates) -> Iterator[Arrow]:
    """API to function; an alias or version stands for its function."""
    for integration in templates.of_type("AWS::ApiGatewayV2::Integration"):
        properties = integration.properties
        for api in templates.named_in(properties["ApiId"], integration.stack):
            for target in _functions(templates, properties.get("IntegrationUri"), integration.stack):
                yield Arrow(api.name, target.name, "calls")
    for method in templates.of_type("AWS::ApiGateway::Method"):
        uri = method.properties.get("Integration", {}).get("Uri")
        for api in templates.named_in(method.properties["RestApiId"], method.stack):
            for target in _functions(templates, uri, method.stack):
                yield Arrow(api.name, target.name, "calls")


def _event_sources(templates: Templates) -> Iterator[Arrow]:
    for mapping in templates.of_type("AWS::Lambda::EventSourceMapping"):
        properties = mapping.properties
        of_a_queue = properties.get("ScalingConfig", {}).get("MaximumConcurrency")
        at_once = properties.get("ParallelizationFactor", of_a_queue)
        notes = [f"batches of {properties['BatchSize']}"] if properties.get("BatchSize", 1) != 1 else []
        notes += [f"{at_once} at once"] if at_once else []
        for source in templates.named_in(properties["EventSourceArn"], mapping.stack):
            stream = ["stream"] if source.type.startswith("AWS::DynamoDB") else []
            for target in _functions(templates, properties["FunctionName"], mapping.stack):
                yield Arrow(source.name, target.name, "feeds", (*stream, *notes))


def _rules(templates: Templates) -> Iterator[Arrow]:
    for rule in templates.of_type("AWS::Events::Rule", "AWS::Scheduler::Schedule"):
        targets = rule.properties.get("Targets") or [rule.properties.get("Target", {})]
        for target in targets:
            for resource in _owners(templates, target.get("Arn"), rule.stack):
                yield Arrow(rule.name, resource.name, "sends" if resource.type == "AWS::SQS::Queue" else "calls")
            for resource in templates.named_in(target.get("DeadLetterConfig"), rule.stack):
                yield Arrow(rule.name, resource.name, "fails")
        for source in templates.named_in(rule.properties.get("EventPattern"), rule.stack):
            yield Arrow(source.name, rule.name, "feeds")


def _redrives(templates: Templates) -> Iterator[Arrow]:
    for queue in templates.of_type("AWS::SQS::Queue"):
        policy = queue.properties.get("RedrivePolicy", {})
        for dead_letters in templates.named_in(policy.get("deadLetterTargetArn"), queue.stack):
            yield Arrow(queue.name, dead_letters.name, "fails", (f"after {policy['maxReceiveCount']} tries",))
    for mapping in templates.of_type("AWS::Lambda::EventSourceMapping", "AWS::Lambda::EventInvokeConfig"):
        on_failure = mapping.properties.get("DestinationConfig", {}).get("OnFailure")
        for target in templates.named_in(on_failure, mapping.stack):
            for function in _functions(templates, mapping.properties["FunctionName"], mapping.stack):
                yield Arrow(function.name, target.name, "fails")


def _subscriptions(templates: Templates) -> Iterator[Arrow]:
    for subscription in templates.of_type("AWS::SNS::Subscription"):
        for topic in templates.named_in(subscription.properties["TopicArn"], subscription.stack):
            for target in _owners(templates, subscription.properties.get("Endpoint"), subscription.stack):
                yield Arrow(topic.name, target.name, "feeds")


def _bucket_notifications(templates: Templates) -> Iterator[Arrow]:
    """The CDK writes them as a custom resource, plain CloudFormation as a property of the bucket."""
    for resource in templates.of_type("Custom::S3BucketNotifications", "AWS::S3::Bucket"):
        properties = resource.properties
        notifications = properties.get("NotificationConfiguration")
        buckets = templates.named_in(properties.get("BucketName"), resource.stack)
        sources = [resource] if resource.type == "AWS::S3::Bucket" else buckets
        for source in sources:
            for target in _owners(templates, notifications, resource.stack):
                yield Arrow(source.name, target.name, "feeds")


def _allowed(templates: Templates) -> Iterator[Arrow]:
    """What each function's role allows, as far as it concerns other boxes of the service."""
    for function in templates.of_type("AWS::Lambda::Function"):
        roles = templates.named_in(function.properties.get("Role"), function.stack)
        for stack, statement in _statements(templates, roles):
            actions = [action.partition(":")[2] for action in _listed(statement.get("Action"))]
            for part in _listed(statement.get("Resource")):
                for resource in templates.named_in(part, stack):
                    yield from _permitted(function, resource, actions, part)


def _permitted(function: Resource, resource: Resource, actions: Sequence[str], part: object) -> Iterator[Arrow]:
    indexes = tuple(text.partition("/index/")[2] for text in texts(part) if "/index/" in text)
    prefixes = tuple(text.partition("/")[2].removesuffix("*") for text in texts(part) if text.endswith("/*"))
    for flow in dict.fromkeys(flow for action in actions for flow in _flow_of(action)):
        yield Arrow(function.name, resource.name, flow, indexes + prefixes)


def _flow_of(action: str) -> Iterator[Flow]:
    verbs: Sequence[tuple[Flow, tuple[str, ...]]] = (
        ("sends", _SENDS), ("calls", _CALLS), ("reads", _READS), ("writes", _WRITES),
    )  # fmt: skip
    if not action.startswith(_OF_EVENT_SOURCES) and action != "DeleteMessage":
        yield from [flow for flow, starts in verbs if action.startswith(starts)][:1]


def _statements(templates: Templates, roles: Sequence[Resource]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Allowing statements of some roles, with the stack in which each is written."""
    documents = [
        (role.stack, policy["PolicyDocument"]) for role in roles for policy in role.properties.get("Policies", [])
    ]
    documents += [
        (policy.stack, policy.properties["PolicyDocument"])
        for policy in templates.of_type("AWS::IAM::Policy")
        if set(roles) & set(templates.named_in(policy.properties.get("Roles"), policy.stack))
    ]
    for stack, document in documents:
        yield from ((stack, statement) for statement in document["Statement"] if statement["Effect"] == "Allow")


def _owners(templates: Templates, value: object, stack: str) -> list[Resource]:
    """The resources a value speaks of, with functions in place of their aliases and versions."""
    owners: list[Resource] = []
    for resource in templates.named_in(value, stack):
        inner = resource.properties.get("FunctionName") if resource.type in _QUALIFIED else None
        owners += [resource] if inner is None else _owners(templates, inner, resource.stack)
    return list(dict.fromkeys(owners))


_QUALIFIED: Final = ("AWS::Lambda::Alias", "AWS::Lambda::Version")


def _functions(templates: Templates, value: object, stack: str) -> list[Resource]:
    return [owner for owner in _owners(templates, value, stack) if owner.type == "AWS::Lambda::Function"]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def _merged(arrows: Sequence[Arrow]) -> list[Arrow]:
    """One arrow per pair and kind of flow: reading and writing becomes using, notes are collected."""
    notes: dict[tuple[str, str, Flow], list[str]] = {}
    for arrow in arrows:
        notes.setdefault((arrow.source, arrow.target, arrow.flow), []).extend(arrow.notes)
    for source, target, flow in list(notes):
        reads = (source, target, "reads")
        if flow == "writes" and reads in notes:
            both = [*notes.pop(reads), *notes.pop((source, target, flow))]
            notes[source, target, "uses"] = both
    return [Arrow(source, target, flow, tuple(dict.fromkeys(added))) for (source, target, flow), added in notes.items()]


def _given_up_directly(arrows: Sequence[Arrow], names: Mapping[str, str]) -> list[Arrow]:
    """What else puts messages of a queue among its dead letters is a note on the arrow between the two.

    That is the function that reads the queue, and a rule whose events the queue did not take. What a reader of a stream
    puts there itself is no arrow beside that of what Lambda does.
    """
    given_up = {(arrow.source, arrow.target) for arrow in arrows if arrow.flow == "fails"}
    arrows = [arrow for arrow in arrows if arrow.flow != "sends" or (arrow.source, arrow.target) not in given_up]
    feeds = {(arrow.source, arrow.target) for arrow in arrows if arrow.flow == "feeds"}
    sends = {(arrow.source, arrow.target) for arrow in arrows if arrow.flow == "sends"}
    noted: dict[tuple[str, str], list[str]] = {}
    for redrive in (arrow for arrow in arrows if arrow.flow == "fails"):
        for other in (arrow for arrow in arrows if arrow.target == redrive.target):
            reads = other.flow == "sends" and (redrive.source, other.source) in feeds
            if reads or (other.flow == "fails" and (other.source, redrive.source) in sends):
                noted.setdefault((redrive.source, redrive.target), []).append(other.source)
    folded = {(function, queues[1]) for queues, functions in noted.items() for function in functions}
    return [
        replace(
            arrow,
            notes=(*arrow.notes, *(f"or by {names[name]}" for name in noted.get((arrow.source, arrow.target), []))),
        )
        if arrow.flow == "fails"
        else arrow
        for arrow in arrows
        if arrow.flow not in ("sends", "fails") or (arrow.source, arrow.target) not in folded
    ]
