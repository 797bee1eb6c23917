"""Faults in what reads a table's stream, and in what becomes of records that cannot be handled."""

import json
from copy import deepcopy
from functools import partial
from typing import Any

from tests.infra.gates.metrics import ALARM
from tests.infra.gates.model import Deployment, Resource, Stack
from tests.infra.gates.queues import MAPPING, dead_records_of, fed_functions
from tests.infra.gates.references import QUEUE, as_list, function_behind, text
from tests.infra.mutants import making
from tests.infra.mutants.making import add, data_stack, has, pick, remove, table_with_stream
from tests.infra.mutants.of_rights import statements_of

caught_by = partial(making.caught_by, not_in=making.WITHOUT_STREAM)


def a_mapping(prod: Deployment) -> Resource:
    return pick(prod, MAPPING, has("StartingPosition"))


def dead_records(prod: Deployment) -> Resource:
    found = dead_records_of(prod, a_mapping(prod))
    assert found is not None
    return found


def on_failure(prod: Deployment) -> Any:
    return a_mapping(prod).properties["DestinationConfig"]["OnFailure"]


def ask(prod: Deployment, *patterns: Any) -> None:
    criteria = a_mapping(prod).properties["FilterCriteria"]
    criteria["Filters"] = [{"Pattern": json.dumps(pattern)} for pattern in patterns]


def of_new_items(**asked: Any) -> Any:
    return {"eventName": ["INSERT"], "dynamodb": {"NewImage": asked}}


# ---- what is read --------------------------------------------------------------------------------------------------


@caught_by("streams-are-read-from-the-beginning")
def a_new_reader_begins_at_the_end(prod: Deployment) -> None:
    a_mapping(prod).properties["StartingPosition"] = "LATEST"


@caught_by("event-sources-are-on")
def a_stream_is_read_by_nobody(prod: Deployment) -> None:
    a_mapping(prod).properties["Enabled"] = False


@caught_by("event-sources-are-known")
def a_function_reads_a_stream_of_somebody_else(prod: Deployment) -> None:
    arn = "arn:aws:dynamodb:us-east-1:111122223333:table/theirs/stream/2026-12-01T08:00:00.000"
    a_mapping(prod).properties["EventSourceArn"] = arn


@caught_by("read-streams-are-on")
def a_stream_that_is_read_is_off(prod: Deployment) -> None:
    del table_with_stream(prod).properties["StreamSpecification"]


@caught_by("tables-are-as-declared")
def a_stream_shows_less_than_declared(prod: Deployment) -> None:
    table_with_stream(prod).properties["StreamSpecification"]["StreamViewType"] = "KEYS_ONLY"


@caught_by("streams-have-few-readers")
def a_stream_has_three_readers(prod: Deployment) -> None:
    mapping = a_mapping(prod)
    for name in ("Second", "Third"):
        add(mapping.stack, f"{name}Feed", MAPPING, **deepcopy(mapping.properties) | {"FunctionName": f"${name}"})


@caught_by("streams-have-few-readers")
def one_function_reads_two_streams(prod: Deployment) -> None:
    mapping = a_mapping(prod)
    add(mapping.stack, "SecondFeed", MAPPING, **deepcopy(mapping.properties))


@caught_by("consumers-read-their-own")
def two_readers_changed_places(prod: Deployment) -> None:
    a_mapping(prod).properties["FunctionName"] = next(fed_functions(prod))[0].properties["FunctionName"]


@caught_by("consumers-read-their-own")
def what_failed_goes_to_the_letters_of_a_queue(prod: Deployment) -> None:
    other = pick(prod, QUEUE, lambda each: each.logical_id != dead_records(prod).logical_id)
    on_failure(prod)["Destination"] = {"Fn::GetAtt": [other.logical_id, "Arn"]}


@caught_by("consumers-read-their-own")
def a_service_reads_what_another_keeps(prod: Deployment) -> None:
    kept = data_stack(prod)
    del prod.stacks[kept.name]
    prod.stacks["TheirsData"] = Stack("TheirsData", "prod-TheirsData", kept.body, is_protected=True)
    a_mapping(prod).properties["EventSourceArn"]["Fn::GetStackOutput"]["StackName"] = "prod-TheirsData"


# ---- filters -------------------------------------------------------------------------------------------------------


@caught_by("filters-let-through-what-is-written")
def a_filter_asks_by_no_type(prod: Deployment) -> None:
    ask(prod, of_new_items(tp=["hist"]))


@caught_by("filters-let-through-what-is-written")
def a_filter_asks_for_absence_by_no_type(prod: Deployment) -> None:
    ask(prod, of_new_items(migration=[{"exists": False}]))


@caught_by("filters-let-through-what-is-written")
def a_filter_asks_for_what_no_item_has(prod: Deployment) -> None:
    ask(prod, of_new_items(tpe={"S": ["hist"]}))


@caught_by("filters-let-through-what-is-written")
def a_filter_waits_for_what_never_happens(prod: Deployment) -> None:
    ask(prod, {"eventName": ["DELETE"]})


@caught_by("filters-let-through-what-is-written")
def a_filter_asks_a_part_that_no_record_has(prod: Deployment) -> None:
    ask(prod, {"event_name": ["INSERT"]})


@caught_by("filters-let-through-what-is-written")
def a_filter_asks_an_image_that_the_stream_does_not_show(prod: Deployment) -> None:
    table_with_stream(prod).properties["StreamSpecification"]["StreamViewType"] = "NEW_IMAGE"


@caught_by("filters-let-through-what-is-written")
def a_filter_is_not_json(prod: Deployment) -> None:
    a_mapping(prod).properties["FilterCriteria"]["Filters"][0]["Pattern"] = "{eventName: [INSERT]}"


@caught_by("filters-let-through-what-is-written")
def there_are_more_filters_than_lambda_takes(prod: Deployment) -> None:
    ask(prod, *[{"eventName": ["INSERT"]}] * 6)


@caught_by("workers-are-fed-as-promised")
def a_filter_lets_another_kind_through(prod: Deployment) -> None:
    ask(prod, of_new_items(tp={"S": ["user"]}))


@caught_by("workers-are-fed-as-promised")
def fewer_batches_are_worked_on_at_once(prod: Deployment) -> None:
    a_mapping(prod).properties["ParallelizationFactor"] = 1


# ---- what fails ----------------------------------------------------------------------------------------------------


@caught_by("bad-messages-fail-alone")
def one_bad_record_repeats_its_batch(prod: Deployment) -> None:
    del a_mapping(prod).properties["FunctionResponseTypes"]


@caught_by("broken-batches-are-halved")
def a_deadly_record_takes_its_batch_with_it(prod: Deployment) -> None:
    del a_mapping(prod).properties["BisectBatchOnFunctionError"]


@caught_by("stream-retries-end")
def a_bad_record_is_retried_for_ever(prod: Deployment) -> None:
    del a_mapping(prod).properties["MaximumRetryAttempts"]


@caught_by("stream-retries-end")
def a_bad_record_is_not_retried_at_all(prod: Deployment) -> None:
    a_mapping(prod).properties["MaximumRetryAttempts"] = 0


@caught_by("stream-retries-end")
def a_bad_record_may_be_of_any_age(prod: Deployment) -> None:
    a_mapping(prod).properties["MaximumRecordAgeInSeconds"] = -1


@caught_by("failed-records-are-kept")
def a_failed_record_is_lost(prod: Deployment) -> None:
    del a_mapping(prod).properties["DestinationConfig"]


@caught_by("failed-records-are-kept")
def a_failed_record_goes_to_somebody_else(prod: Deployment) -> None:
    on_failure(prod)["Destination"] = "arn:aws:sqs:us-east-1:111122223333:theirs"


@caught_by("failed-records-are-kept")
def a_failed_record_is_handed_to_a_worker(prod: Deployment) -> None:
    on_failure(prod)["Destination"] = {"Fn::GetAtt": [next(fed_functions(prod))[1].logical_id, "Arn"]}


@caught_by("failed-records-are-kept")
def two_consumers_share_their_dead_records(prod: Deployment) -> None:
    mapping = a_mapping(prod)
    add(mapping.stack, "SecondFeed", MAPPING, **deepcopy(mapping.properties))


@caught_by("failed-records-are-kept")
def dead_records_are_kept_for_a_weekend(prod: Deployment) -> None:
    dead_records(prod).properties["MessageRetentionPeriod"] = 4 * 86_400


@caught_by("failed-records-are-kept")
def a_dead_record_may_be_too_large(prod: Deployment) -> None:
    dead_records(prod).properties["MaximumMessageSize"] = 262_144


@caught_by("failed-records-are-kept")
def any_queue_may_use_the_queue_of_dead_records(prod: Deployment) -> None:
    del dead_records(prod).properties["RedriveAllowPolicy"]


# ---- who looks, and who may ----------------------------------------------------------------------------------------


@caught_by("streams-are-watched")
def nobody_notices_that_a_consumer_falls_behind(prod: Deployment) -> None:
    remove(pick(prod, ALARM, lambda each: each.properties.get("MetricName") == "IteratorAge"))


@caught_by("dead-records-are-watched")
def nobody_notices_a_dead_record(prod: Deployment) -> None:
    name = dead_records(prod).logical_id
    remove(pick(prod, ALARM, lambda each: name in json.dumps(each.properties.get("Dimensions", []))))


@caught_by("roles-do-what-is-declared")
def a_consumer_may_not_read_its_stream(prod: Deployment) -> None:
    for statement in _statements(prod):
        statement["Action"] = [each for each in as_list(statement["Action"]) if each != "dynamodb:GetRecords"]


@caught_by("roles-do-what-is-declared")
def a_consumer_may_not_leave_what_failed(prod: Deployment) -> None:
    name = dead_records(prod).logical_id
    for statement in _statements(prod):
        statement["Resource"] = [each for each in as_list(statement["Resource"]) if name not in text(each)]


@caught_by("roles-do-what-is-declared")
def a_consumer_may_read_every_stream_of_its_table(prod: Deployment) -> None:
    for statement in _statements(prod):
        if "dynamodb:GetRecords" in as_list(statement["Action"]):
            statement["Resource"] = "arn:aws:dynamodb:us-east-1:123456789012:table/AlgoItny-prod/stream/*"


def _statements(prod: Deployment) -> Any:
    """What the function that reads the stream may do."""
    mapping = a_mapping(prod)
    function = function_behind(prod, mapping.stack, mapping.properties["FunctionName"])
    assert function is not None
    return statements_of(prod, function)
