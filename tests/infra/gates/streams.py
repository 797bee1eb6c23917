"""Rules about functions that hear of a table's changes: which of them, from when on, and what becomes of the rest."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from lambda_src.dynamo.schema import Table
from lambda_src.migration.mapping import MARK
from tests.infra.gates.alarms import watched
from tests.infra.gates.data import stream_view
from tests.infra.gates.model import Complaints, Deployment, Resource, rule
from tests.infra.gates.queues import LARGEST_MESSAGE_BYTES, dead_records_of, fed_functions, stream_mappings
from tests.infra.gates.references import QUEUE, as_list, construct, function_behind, target, text

# https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
LIMITS = {"MaximumRetryAttempts": 10_000, "MaximumRecordAgeInSeconds": 86_400}
# https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html: more of them, and reads are throttled
READERS = 2
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
MOST_FILTERS = 5
KEPT_SECONDS = 14 * 86_400  # the longest there is
PARTS = {"eventName", "userIdentity", "dynamodb"}
EVENTS = {"INSERT", "MODIFY", "REMOVE"}
IMAGES = {"NewImage": "NEW", "OldImage": "OLD", "Keys": "KEYS"}
TYPES = {"S", "N", "B", "SS", "NS", "BS", "M", "L", "BOOL", "NULL"}


def filters(mapping: Resource) -> Iterator[Any]:
    """What a mapping asks of a record, pattern by pattern. Raises ValueError for one that is not JSON."""
    for each in mapping.properties.get("FilterCriteria", {}).get("Filters", []):
        yield json.loads(text(each.get("Pattern")))


def table_of(deployment: Deployment, mapping: Resource) -> tuple[Resource | None, Table | None]:
    """The table whose changes a mapping reads, and its declaration."""
    found = target(deployment, mapping.stack, mapping.properties["EventSourceArn"])
    names = {each.physical_name(deployment.environment.name): each for each in deployment.declared}
    return found, names.get(str(found.properties.get("TableName"))) if found else None


@rule("streams-are-read-from-the-beginning", "What was written before the reader exists is passed over without a word")
def streams_are_read_from_the_beginning(deployment: Deployment) -> Complaints:
    for mapping in stream_mappings(deployment):
        if mapping.properties.get("StartingPosition") != "TRIM_HORIZON":
            yield mapping, f"begins at {mapping.properties.get('StartingPosition')}"


@rule(
    "stream-retries-end",
    "By default Lambda retries a bad record until it expires, and nothing behind it moves for a day",
)
def stream_retries_end(deployment: Deployment) -> Complaints:
    for mapping in stream_mappings(deployment):
        for name, most in LIMITS.items():
            if not 0 < mapping.properties.get(name, -1) <= most:
                yield mapping, f"its {name} is {mapping.properties.get(name, 'without end')}"


@rule("broken-batches-are-halved", "A record that kills the function takes all those with it that it came with")
def broken_batches_are_halved(deployment: Deployment) -> Complaints:
    for mapping in stream_mappings(deployment):
        if mapping.properties.get("BisectBatchOnFunctionError") is not True:
            yield mapping, "repeats a batch as a whole when the function dies"


@rule(
    "failed-records-are-kept", "A stream has no dead-letter queue of its own: what is given up without a place is lost"
)
def failed_records_are_kept(deployment: Deployment) -> Complaints:
    shared = Counter(str(dead_records_of(deployment, mapping)) for mapping in stream_mappings(deployment))
    fed = [queue for _, queue, _ in fed_functions(deployment)]
    for mapping in stream_mappings(deployment):
        queue = dead_records_of(deployment, mapping)
        if queue is None or queue.type != QUEUE or queue.stack.full_name != mapping.stack.full_name:
            yield mapping, "names no queue of its stack for records that failed"
            continue
        if queue in fed or shared[str(queue)] > 1:
            yield mapping, f"puts what failed to {queue.logical_id}, which is not its own"
        if queue.properties.get("MessageRetentionPeriod") != KEPT_SECONDS:
            yield queue, f"keeps dead records for {queue.properties.get('MessageRetentionPeriod')} s"
        if queue.properties.get("MaximumMessageSize") != LARGEST_MESSAGE_BYTES:
            yield queue, f"takes messages of {queue.properties.get('MaximumMessageSize')} bytes, a record may have more"
        if queue.properties.get("RedriveAllowPolicy") != {"redrivePermission": "denyAll"}:
            yield queue, "any queue may use it for its dead letters"


@rule("dead-records-are-watched", "A change that was given up is a number that is wrong from then on")
def dead_records_are_watched(deployment: Deployment) -> Complaints:
    seen = watched(deployment)
    for mapping in stream_mappings(deployment):
        queue = dead_records_of(deployment, mapping)
        if queue and ("ApproximateNumberOfMessagesVisible", str(queue)) not in seen:
            yield queue, "no alarm says that it is not empty"


@rule("streams-have-few-readers", "A third reader throttles the other two, and one function's age is one stream's")
def streams_have_few_readers(deployment: Deployment) -> Complaints:
    of_tables = Counter(str(table_of(deployment, mapping)[0]) for mapping in stream_mappings(deployment))
    of_functions = Counter(str(_reader(deployment, mapping)) for mapping in stream_mappings(deployment))
    for mapping in stream_mappings(deployment):
        table, reader = str(table_of(deployment, mapping)[0]), str(_reader(deployment, mapping))
        if of_tables[table] > READERS:
            yield mapping, f"is one of {of_tables[table]} readers of {table}"
        if of_functions[reader] > 1:
            yield mapping, f"calls {reader}, which another stream calls, too"


def _reader(deployment: Deployment, mapping: Resource) -> Resource | None:
    return function_behind(deployment, mapping.stack, mapping.properties["FunctionName"])


@rule("consumers-read-their-own", "What another service keeps is its own affair, and may change any day")
def consumers_read_their_own(deployment: Deployment) -> Complaints:
    for mapping in stream_mappings(deployment):
        table, _ = table_of(deployment, mapping)
        reader, queue = _reader(deployment, mapping), dead_records_of(deployment, mapping)
        if table is not None and deployment.service_of(table.stack) is not deployment.service_of(mapping.stack):
            yield mapping, f"reads {table}"
        name = construct(mapping).removesuffix("Feed")
        if reader is not None and construct(reader) != f"{name}Function":
            yield mapping, f"calls {construct(reader)}"
        if queue is not None and construct(queue) != f"{name}DeadLetters":
            yield mapping, f"puts what failed to {construct(queue)}"


@rule("filters-let-through-what-is-written", "A filter that matches nothing looks like a table that nobody changes")
def filters_let_through_what_is_written(deployment: Deployment) -> Complaints:
    for mapping in stream_mappings(deployment):
        table, declared = table_of(deployment, mapping)
        if table is None:
            continue
        try:
            asked = list(filters(mapping))
        except ValueError:
            yield mapping, "asks by something that is not JSON"
            continue
        if len(asked) > MOST_FILTERS:
            yield mapping, f"has {len(asked)} filters, of which Lambda takes {MOST_FILTERS}"
        for pattern in asked:
            for problem in _problems(pattern, declared, stream_view(table.properties) or ""):
                yield mapping, problem


def _problems(pattern: Any, declared: Table | None, view: str) -> Iterator[str]:
    """What keeps a pattern from matching: parts no record has, and attributes that nobody writes, or by no type."""
    if not isinstance(pattern, dict) or not pattern or pattern.keys() - PARTS:
        yield f"asks {pattern}"
        return
    for name in set(map(str, as_list(pattern.get("eventName")))) - EVENTS:
        yield f"waits for {name}"
    for image, attributes in pattern.get("dynamodb", {}).items():
        if image not in IMAGES or (image != "Keys" and IMAGES[image] not in view):
            yield f"asks {image} of records that show {view}"
        for attribute, asked in attributes.items():
            if attribute not in _stored(declared):
                yield f"asks for {attribute}, which no item has"
            if not isinstance(asked, dict) or not asked or asked.keys() - TYPES:
                yield f"asks for {attribute} by no type: {json.dumps(asked)}"


def _stored(table: Table | None) -> set[str]:
    """Names of attributes that items of a table have."""
    if table is None:
        return set()
    names = {*table.key_attributes(), MARK}
    for entity in table.entities:
        names |= {*entity.constants, *map(entity.codec.stored_name, entity.codec.fields)}
    return names
