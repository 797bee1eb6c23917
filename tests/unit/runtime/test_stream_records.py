"""Records of a stream as Lambda hands them over."""

from decimal import Decimal

import pytest

from lambda_src.dynamo.values import from_item
from lambda_src.runtime.messages import Malformed
from lambda_src.runtime.stream import EventName, StreamRecord, model_of
from tests.support.sample_tables import NOTE, Note


@pytest.fixture
def records(event):
    return event("dynamodb_stream")["Records"]


def test_a_record_says_what_happened_to_which_item(records):
    record = StreamRecord.of(records[0])
    assert (record.event_id, record.event_name, record.sequence_number, record.table) == (
        "7de3041dd709b024af6f29e4fa13d34c", EventName.INSERT, "400000000000000499660", "Sample-dev",
    )  # fmt: skip
    assert record.created_at.isoformat() == "2025-01-15T08:30:00+00:00"
    assert (record.old, record.raw) == (None, records[0])


def test_images_are_what_a_read_of_the_table_would_have_brought(records):
    new = StreamRecord.of(records[0]).new
    assert new is not None
    assert from_item(new) == {
        "PK": "BOOK#b1",
        "SK": "NOTE#0001",
        "kind": "note",
        "price": Decimal("1234567890123456789012345678901234.5678"),
        "cover": b"\x89PNG\r\n\x1a\n\x00\xff",
        "parts": [{"hash": b"\x00\x01\x02", "page": 7}, frozenset({b"\x01", b"\x02"}), None],
    }


def test_a_change_brings_the_item_before_and_after(records):
    record = StreamRecord.of(records[1])
    assert record.event_name == "MODIFY"
    assert record.old is not None
    assert record.new is not None
    assert (record.old["shared"], record.new["shared"]) == ({"BOOL": False}, {"BOOL": True})


def test_what_the_ttl_removed_is_told_from_what_somebody_deleted(records):
    assert StreamRecord.of(records[2]).expired
    for identity in (None, {}, {"type": "Service", "principalId": "x"}, {"principalId": "dynamodb.amazonaws.com"}):
        assert not StreamRecord.of({**records[2], "userIdentity": identity}).expired
    del records[2]["userIdentity"]
    assert not StreamRecord.of(records[2]).expired


def test_a_stream_may_carry_no_images(records):
    del records[1]["dynamodb"]["OldImage"], records[1]["dynamodb"]["NewImage"]
    record = StreamRecord.of(records[1])
    assert (record.old, record.new) == (None, None)


def test_a_table_is_named_wherever_its_stream_is(records):
    arn = "arn:aws-cn:dynamodb:ddblocal:000000000000:table/algo_main-a.b/stream/2025-01-15T08:00:00.000"
    assert StreamRecord.of({**records[0], "eventSourceARN": arn}).table == "algo_main-a.b"


SECRET = "somebody's words"


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("eventName",), "UPSERT", "an unknown event name"),
        (("eventName",), [], "an unknown event name"),
        (("eventID",), "", "no eventID"),
        (("eventID",), None, "eventID is missing"),
        (("eventSourceARN",), "arn:aws:sqs:us-east-1:123456789012:queue", "its source is no stream of a table"),
        (("eventSourceARN",), 7, "TypeError"),
        (("userIdentity",), SECRET, "AttributeError"),
        (("dynamodb",), None, "dynamodb is missing"),
        (("dynamodb", "SequenceNumber"), 7, "no SequenceNumber"),
        (("dynamodb", "ApproximateCreationDateTime"), "noon", "TypeError"),
        (("dynamodb", "ApproximateCreationDateTime"), 1e300, "OverflowError"),
        (("dynamodb", "NewImage"), SECRET, "AttributeError"),
        (("dynamodb", "NewImage", "cover"), {"B": SECRET}, "Error"),
        (("dynamodb", "NewImage", "cover"), {"X": SECRET}, "a value of an unknown type"),
        (("dynamodb", "NewImage", "cover"), {}, "ValueError"),
    ],
)
def test_what_is_no_record_is_refused_with_a_reason_that_shows_nothing_of_it(records, path, value, reason):
    part = records[0]
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    if value is None:
        del part[path[-1]]
    with pytest.raises(Malformed) as refused:
        StreamRecord.of(records[0])
    assert refused.value.detail == f"not a stream record: {reason}"


def test_an_image_becomes_its_model():
    image = NOTE.item(Note(book="b1", number=7, price=Decimal("1.50")))
    wire = {**{name: {"S": image[name]} for name in ("PK", "SK")}, "number": {"N": "7"}, "price": {"N": "1.50"}}
    assert model_of(NOTE, wire) == Note(book="b1", number=7, price=Decimal("1.50"))


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (None, "no image of Note"),
        ({"PK": {"S": "BOOK#b"}, "SK": {"S": "NOTE#0001"}, "number": {"S": "1"}}, "not a Note: N is missing"),
        ({"PK": {"S": SECRET}, "SK": {"S": SECRET}, "number": {"N": "1"}}, "not a Note: ValueError"),
        ({"PK": {"S": "BOOK#b"}, "SK": {"S": "NOTE#0001"}, "number": {"N": SECRET}}, "not a Note: ValueError"),
    ],
)
def test_an_image_of_something_else_is_refused(image, reason):
    with pytest.raises(Malformed) as refused:
        model_of(NOTE, image)
    assert refused.value.detail == reason
