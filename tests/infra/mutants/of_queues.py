"""Faults in queues, their dead letters, and what reads queues."""

from tests.infra.gates.model import Deployment, Json, Resource
from tests.infra.gates.queues import dead_letters_of, fed_functions
from tests.infra.gates.references import QUEUE
from tests.infra.mutants.making import caught_by, pick, remove


def fed(prod: Deployment) -> tuple[Resource, Resource, Resource]:
    """A mapping, its queue and its function."""
    return next(fed_functions(prod))


def dead_letters(prod: Deployment) -> Resource:
    found = dead_letters_of(prod, fed(prod)[1])
    assert found is not None
    return found


@caught_by("event-sources-are-known")
def a_function_reads_a_queue_of_somebody_else(prod: Deployment) -> None:
    fed(prod)[0].properties["EventSourceArn"] = "arn:aws:sqs:us-east-1:111122223333:elsewhere"


@caught_by("event-sources-are-known")
def a_queue_feeds_a_function_of_somebody_else(prod: Deployment) -> None:
    fed(prod)[0].properties["FunctionName"] = "elsewhere"


@caught_by("event-sources-are-on")
def a_queue_is_read_by_nobody(prod: Deployment) -> None:
    fed(prod)[0].properties["Enabled"] = False


@caught_by("messages-stay-hidden-long-enough")
def a_message_shows_up_again_too_soon(prod: Deployment) -> None:
    _, queue, function = fed(prod)
    queue.properties["VisibilityTimeout"] = 6 * function.properties["Timeout"] - 1


@caught_by("messages-stay-hidden-long-enough")
def visibility_is_left_at_its_default(prod: Deployment) -> None:
    del fed(prod)[1].properties["VisibilityTimeout"]


@caught_by("bad-messages-fail-alone")
def one_bad_message_repeats_its_batch(prod: Deployment) -> None:
    del fed(prod)[0].properties["FunctionResponseTypes"]


@caught_by("large-batches-have-a-window")
def a_large_batch_has_no_window(prod: Deployment) -> None:
    fed(prod)[0].properties["BatchSize"] = 100


@caught_by("pollers-are-bounded")
def any_number_of_messages_is_worked_on_at_once(prod: Deployment) -> None:
    del fed(prod)[0].properties["ScalingConfig"]


@caught_by("pollers-are-bounded")
def a_queue_has_both_kinds_of_pollers(prod: Deployment) -> None:
    fed(prod)[0].properties["ProvisionedPollerConfig"] = {"MinimumPollers": 2, "MaximumPollers": 4}


@caught_by("failed-messages-are-kept")
def a_queue_has_no_dead_letter_queue(prod: Deployment) -> None:
    del fed(prod)[1].properties["RedrivePolicy"]


@caught_by("messages-get-five-tries")
def a_message_is_given_up_at_its_first_failure(prod: Deployment) -> None:
    fed(prod)[1].properties["RedrivePolicy"]["maxReceiveCount"] = 1


@caught_by("dead-letters-are-kept-longer")
def dead_letters_expire_with_their_source(prod: Deployment) -> None:
    dead_letters(prod).properties["MessageRetentionPeriod"] = fed(prod)[1].properties["MessageRetentionPeriod"]


@caught_by("dead-letters-are-kept-longer")
def dead_letters_are_kept_for_the_default_time(prod: Deployment) -> None:
    del dead_letters(prod).properties["MessageRetentionPeriod"]


@caught_by("dead-letters-come-from-their-queue")
def any_queue_may_use_the_dead_letter_queue(prod: Deployment) -> None:
    del dead_letters(prod).properties["RedriveAllowPolicy"]


@caught_by("dead-letters-come-from-their-queue")
def the_dead_letter_queue_names_another_queue(prod: Deployment) -> None:
    arn = "arn:aws:sqs:us-east-1:111122223333:elsewhere"
    dead_letters(prod).properties["RedriveAllowPolicy"]["sourceQueueArns"] = [arn]


@caught_by("queues-are-encrypted")
def a_queue_is_not_encrypted(prod: Deployment) -> None:
    pick(prod, QUEUE).properties["SqsManagedSseEnabled"] = False


@caught_by("queues-refuse-plain-http")
def a_queue_takes_plain_http(prod: Deployment) -> None:
    remove(pick(prod, "AWS::SQS::QueuePolicy"))


def deny(prod: Deployment) -> Json:
    policy = pick(prod, "AWS::SQS::QueuePolicy").properties["PolicyDocument"]
    found: Json = next(each for each in policy["Statement"] if each["Effect"] == "Deny")
    return found


@caught_by("queues-refuse-plain-http")
def plain_http_is_refused_to_one_action(prod: Deployment) -> None:
    deny(prod)["Action"] = "sqs:ListQueueTags"


@caught_by("queues-refuse-plain-http")
def plain_http_is_refused_to_one_caller(prod: Deployment) -> None:
    deny(prod)["Principal"] = {"AWS": "123456789012"}


@caught_by("queues-refuse-plain-http")
def plain_http_is_refused_elsewhere(prod: Deployment) -> None:
    deny(prod)["Resource"] = "arn:aws:sqs:eu-central-1:123456789012:theirs"


@caught_by("dead-letters-come-from-their-queue")
def a_stranger_may_use_the_dead_letters_too(prod: Deployment) -> None:
    dead = pick(prod, QUEUE, lambda each: "RedriveAllowPolicy" in each.properties)
    dead.properties["RedriveAllowPolicy"]["sourceQueueArns"].append("arn:aws:sqs:eu-central-1:123456789012:theirs")


@caught_by("queues-take-whole-messages")
def a_queue_takes_a_kilobyte(prod: Deployment) -> None:
    pick(prod, QUEUE).properties["MaximumMessageSize"] = 1024
