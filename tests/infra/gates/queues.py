"""Rules about queues, their dead letters, and the functions that read queues; `streams` is about the others."""

from collections.abc import Iterator

from tests.infra.gates.model import Complaints, Deployment, Resource, rule
from tests.infra.gates.references import QUEUE, TABLES, as_list, function_behind, target, text

MAPPING = "AWS::Lambda::EventSourceMapping"
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
VISIBILITY_TIMEOUTS = 6
FEWEST_RECEIVES = 5
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
LARGEST_MESSAGE_BYTES = 1_048_576
LARGEST_BATCH_WITHOUT_WINDOW = 10
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html
DEFAULT_VISIBILITY_SECONDS = 30
DEFAULT_RETENTION_SECONDS = 4 * 24 * 3600
DEFAULT_TIMEOUT_SECONDS = 3  # of a function


def fed_functions(deployment: Deployment) -> Iterator[tuple[Resource, Resource, Resource]]:
    """(mapping, queue, function) for each queue that a function reads."""
    for mapping in deployment.of_type(MAPPING):
        source = target(deployment, mapping.stack, mapping.properties.get("EventSourceArn"))
        function = function_behind(deployment, mapping.stack, mapping.properties["FunctionName"])
        if source is not None and source.type == QUEUE and function is not None:
            yield mapping, source, function


def stream_mappings(deployment: Deployment) -> Iterator[Resource]:
    for mapping in deployment.of_type(MAPPING):
        source = target(deployment, mapping.stack, mapping.properties.get("EventSourceArn"))
        if source is not None and source.type in (*TABLES, "AWS::Kinesis::Stream"):
            yield mapping


def dead_letters_of(deployment: Deployment, queue: Resource) -> Resource | None:
    return target(deployment, queue.stack, queue.properties.get("RedrivePolicy", {}).get("deadLetterTargetArn"))


def dead_records_of(deployment: Deployment, mapping: Resource) -> Resource | None:
    """Where records of a stream go that were given up."""
    place = mapping.properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    return target(deployment, mapping.stack, place)


@rule("event-sources-are-known", "A function that reads from something outside our templates escapes every other rule")
def event_sources_are_known(deployment: Deployment) -> Complaints:
    for mapping in deployment.of_type(MAPPING):
        if target(deployment, mapping.stack, mapping.properties.get("EventSourceArn")) is None:
            yield mapping, f"reads from {text(mapping.properties.get('EventSourceArn'))}"
        if function_behind(deployment, mapping.stack, mapping.properties["FunctionName"]) is None:
            yield mapping, f"calls {text(mapping.properties['FunctionName'])}"


@rule("event-sources-are-on", "A switched-off event source looks like a queue that is only slow")
def event_sources_are_on(deployment: Deployment) -> Complaints:
    for mapping in deployment.of_type(MAPPING):
        if mapping.properties.get("Enabled", True) is not True:
            yield mapping, "is switched off"


@rule("messages-stay-hidden-long-enough", "A message that shows up again while it is worked on is worked on twice")
def messages_stay_hidden_long_enough(deployment: Deployment) -> Complaints:
    for _, queue, function in fed_functions(deployment):
        hidden = queue.properties.get("VisibilityTimeout", DEFAULT_VISIBILITY_SECONDS)
        needed = VISIBILITY_TIMEOUTS * function.properties.get("Timeout", DEFAULT_TIMEOUT_SECONDS)
        if hidden < needed:
            yield queue, f"hides a message for {hidden} s, six timeouts of its function are {needed} s"


@rule("bad-messages-fail-alone", "Without partial responses one bad message makes its whole batch come back")
def bad_messages_fail_alone(deployment: Deployment) -> Complaints:
    for mapping in deployment.of_type(MAPPING):
        if "ReportBatchItemFailures" not in mapping.properties.get("FunctionResponseTypes", []):
            yield mapping, "does not report batch item failures"


@rule("large-batches-have-a-window", "Lambda refuses more than 10 SQS messages a batch without a window to gather them")
def large_batches_have_a_window(deployment: Deployment) -> Complaints:
    for mapping, _, _ in fed_functions(deployment):
        size = mapping.properties.get("BatchSize", LARGEST_BATCH_WITHOUT_WINDOW)
        if size > LARGEST_BATCH_WITHOUT_WINDOW and not mapping.properties.get("MaximumBatchingWindowInSeconds"):
            yield mapping, f"takes {size} messages without a batching window"


@rule("pollers-are-bounded", "A full queue would start up to 1,000 functions against whatever lies behind them")
def pollers_are_bounded(deployment: Deployment) -> Complaints:
    for mapping, _, _ in fed_functions(deployment):
        at_once = mapping.properties.get("ScalingConfig", {}).get("MaximumConcurrency")
        pollers = mapping.properties.get("ProvisionedPollerConfig")
        if at_once is None and pollers is None:
            yield mapping, "has no maximum concurrency"
        if at_once is not None and pollers is not None:
            yield mapping, "has a maximum concurrency and provisioned pollers, which exclude each other"


@rule("failed-messages-are-kept", "Without a dead-letter queue a bad message comes back until it expires, and is gone")
def failed_messages_are_kept(deployment: Deployment) -> Complaints:
    for _, queue, _ in fed_functions(deployment):
        if dead_letters_of(deployment, queue) is None:
            yield queue, "has no dead-letter queue"


@rule(
    "messages-get-five-tries", "Throttled calls count as tries: with fewer than five, good messages end as dead letters"
)
def messages_get_five_tries(deployment: Deployment) -> Complaints:
    for _, queue, _ in fed_functions(deployment):
        tries = queue.properties.get("RedrivePolicy", {}).get("maxReceiveCount", FEWEST_RECEIVES)
        if int(tries) < FEWEST_RECEIVES:
            yield queue, f"gives a message up after {tries} receives"


@rule(
    "dead-letters-are-kept-longer",
    "A dead letter's age counts from when it was first sent: kept equally long, it expires",
)
def dead_letters_are_kept_longer(deployment: Deployment) -> Complaints:
    for queue in deployment.of_type(QUEUE):
        dead_letters = dead_letters_of(deployment, queue)
        if dead_letters is None:
            continue
        kept, waited = (
            each.properties.get("MessageRetentionPeriod", DEFAULT_RETENTION_SECONDS) for each in (dead_letters, queue)
        )
        if kept <= waited:
            yield dead_letters, f"keeps dead letters for {kept} s, its source keeps messages for {waited} s"


@rule("dead-letters-come-from-their-queue", "By default any queue of the account may use it as its dead-letter queue")
def dead_letters_come_from_their_queue(deployment: Deployment) -> Complaints:
    for queue in deployment.of_type(QUEUE):
        dead_letters = dead_letters_of(deployment, queue)
        if dead_letters is None:
            continue
        allowed = dead_letters.properties.get("RedriveAllowPolicy", {})
        sources = [target(deployment, dead_letters.stack, arn) for arn in allowed.get("sourceQueueArns", [])]
        if allowed.get("redrivePermission") != "byQueue" or sources != [queue]:
            yield dead_letters, f"does not name {queue.logical_id} as the one queue that may use it"


@rule("messages-wait-for-a-weekend", "What broke on Friday is looked at on Monday; a message that is gone then is lost")
def messages_wait_for_a_weekend(deployment: Deployment) -> Complaints:
    for queue in deployment.of_type(QUEUE):
        kept = queue.properties.get("MessageRetentionPeriod", DEFAULT_RETENTION_SECONDS)
        if kept < DEFAULT_RETENTION_SECONDS:
            yield queue, f"keeps messages for {kept} s"


@rule("queues-take-whole-messages", "A message that is refused for its size is refused for ever")
def queues_take_whole_messages(deployment: Deployment) -> Complaints:
    for queue in deployment.of_type(QUEUE):
        size = queue.properties.get("MaximumMessageSize", LARGEST_MESSAGE_BYTES)
        if size != LARGEST_MESSAGE_BYTES:
            yield queue, f"takes messages of {size} bytes"


@rule("queues-are-encrypted", "Messages hold what users wrote")
def queues_are_encrypted(deployment: Deployment) -> Complaints:
    for queue in deployment.of_type(QUEUE):
        if not (queue.properties.get("SqsManagedSseEnabled") or queue.properties.get("KmsMasterKeyId")):
            yield queue, "is not encrypted"


@rule("queues-refuse-plain-http", "A key or text sent in the clear once is known for ever")
def queues_refuse_plain_http(deployment: Deployment) -> Complaints:
    closed = {
        str(target(deployment, policy.stack, place))
        for policy in deployment.of_type("AWS::SQS::QueuePolicy")
        for statement in as_list(policy.properties["PolicyDocument"]["Statement"])
        if (statement["Effect"], statement.get("Action")) == ("Deny", "sqs:*")
        and statement.get("Principal") in ("*", {"AWS": "*"})
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        for place in as_list(statement.get("Resource"))
    }
    for queue in deployment.of_type(QUEUE):
        if str(queue) not in closed:
            yield queue, "accepts requests over plain HTTP"
