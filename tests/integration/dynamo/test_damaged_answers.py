"""Answers that are not what DynamoDB sent are none: asked again, then 503, and never taken for nothing found."""

import time
from binascii import crc32
from collections.abc import Iterator

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client, _refuse_damaged, make_client
from lambda_src.dynamo.client import CallRefused, NoResponse
from lambda_src.dynamo.errors import ConditionFailed
from lambda_src.dynamo.meter import UsageMeter
from lambda_src.dynamo.store import ABSENT, Put, Store, UpdateItem
from lambda_src.dynamo.updates import Update
from lambda_src.errors import StoreUnavailable
from tests.support.dynamodb_front import Answer, Damage, DynamoDBFront, Fault, fronting
from tests.support.sample_tables import ADD_NOTE, KEEP_NOTE, NOTE, NOTE_BY_NUMBER, NOTES, NOTES_OF_BOOK, Note, note_key

HTML = b"<html><body>Please sign in to the network</body></html>"


def without_checksum(answer: Answer, content: bytes) -> Answer:
    return answer._replace(headers={"Content-Type": answer.headers["Content-Type"]}, content=content)


def of_a_proxy(status: int, content: bytes = HTML, media_type: str = "text/html") -> Damage:
    return lambda _: Answer(status, {"Content-Type": media_type}, content)


DAMAGE: dict[str, Damage] = {
    "wrong checksum": lambda it: it._replace(headers={**it.headers, "x-amz-crc32": "1"}),
    "checksum that is no number": lambda it: it._replace(headers={**it.headers, "x-amz-crc32": "one"}),
    "one changed byte": lambda it: it._replace(content=it.content.replace(b"BOOK", b"COOK")),
    "cut, and the length with it": lambda it: it._replace(content=it.content[:-9]),
    "shorter than announced": lambda it: it._replace(content=it.content[:-9], length=len(it.content)),
    "cut, without a checksum": lambda it: without_checksum(it, it.content[:-9]),
    "empty": lambda it: it._replace(content=b""),
    "empty, with its checksum": lambda it: it._replace(headers={**it.headers, "x-amz-crc32": "0"}, content=b""),
    "empty, without a checksum": lambda it: without_checksum(it, b""),
    "a list": lambda it: without_checksum(it, b"[]"),
    "null": lambda it: without_checksum(it, b"null"),
    "no UTF-8": lambda it: without_checksum(it, b'{"Item":{"PK":{"S":"\xff"}}}'),
    "HTML with 200": of_a_proxy(200),
    "HTML with 403": of_a_proxy(403),
    "a redirection": of_a_proxy(302),
    "JSON of somebody else": of_a_proxy(200, b'{"error":"blocked"}', "application/json"),
    "a list with 400": of_a_proxy(400, b"[]", "application/x-amz-json-1.0"),
}  # fmt: skip
OF_A_SERVER: dict[str, Damage] = {
    "HTML with 503": of_a_proxy(503),
    "nothing with 502": of_a_proxy(502, b""),
    "null with 500": of_a_proxy(500, b"null", "application/json"),
}


class Spoiled:
    """A store over a front. damage: of the next answers, in order; then answers come through whole."""

    def __init__(self, front: DynamoDBFront, name: str) -> None:
        self.damage: list[Fault] = []
        self.front = front
        front.spoil = lambda _operation, _before: self.damage.pop(0) if self.damage else None
        self.client = make_client(region="us-east-1", endpoint_url=front.url, read_timeout_seconds=30)
        self.store = Store(UsageMeter(Boto3Client(self.client)), {"notes": name}, sleep=lambda _: None)

    def note(self) -> Note | None:
        return self.store.get(NOTE_BY_NUMBER, book="b", number=1)


@pytest.fixture
def spoiled(dynamodb_endpoint, make_tables) -> Iterator[Spoiled]:
    with fronting(dynamodb_endpoint) as front:
        spoiled = Spoiled(front, make_tables([NOTES])["notes"])
        yield spoiled
        spoiled.client.close()


def test_a_damaged_answer_is_asked_for_again_and_then_a_clear_answer(spoiled):
    spoiled.store.put(KEEP_NOTE, Put(NOTE, Note()))
    for what, damage in DAMAGE.items():
        spoiled.damage = [damage, damage]
        assert spoiled.note() == Note(), what
        spoiled.damage = [damage]
        assert spoiled.store.items(NOTES_OF_BOOK, book="b") == [Note()], what
        spoiled.damage = [damage]
        assert spoiled.store.batch_get(NOTE_BY_NUMBER, [note_key()]) == [Note()], what
        spoiled.damage = [damage] * 3
        with pytest.raises(StoreUnavailable) as gave_up:
            spoiled.note()
        assert isinstance(gave_up.value.__cause__, NoResponse), what
        assert spoiled.damage == [], what


def test_a_damaged_answer_of_a_server_in_trouble_is_repeated_like_its_refusals(spoiled):
    for what, damage in OF_A_SERVER.items():
        spoiled.damage = [damage] * 7
        assert spoiled.note() is None, what
        spoiled.damage = [damage] * 8
        with pytest.raises(StoreUnavailable) as gave_up:
            spoiled.note()
        assert isinstance(gave_up.value.__cause__, CallRefused), what


@pytest.mark.parametrize(
    "damage", [DAMAGE["cut, without a checksum"], DAMAGE["HTML with 200"], DAMAGE["wrong checksum"]]
)
def test_a_write_whose_answer_was_damaged_is_one_whose_answer_got_lost(spoiled, damage):
    spoiled.damage = [damage]
    spoiled.store.transact(ADD_NOTE, [UpdateItem(note_key(), Update().add(hits=1).set(number=1), ABSENT)])
    assert spoiled.note() == Note(hits=1), "once, by its token"
    spoiled.damage = [damage]
    spoiled.store.update(KEEP_NOTE, UpdateItem(note_key(), Update().add(hits=1)))
    assert spoiled.note() == Note(hits=3), "a single write is made again"
    spoiled.damage = [damage]
    with pytest.raises(ConditionFailed):
        spoiled.store.put(KEEP_NOTE, Put(NOTE, Note(number=2), ABSENT))
    spoiled.damage = [damage]
    with pytest.raises(ConditionFailed):
        spoiled.store.put(KEEP_NOTE, Put(NOTE, Note(), ABSENT))
    spoiled.damage = [damage]
    spoiled.store.batch_write(ADD_NOTE, puts=[NOTE.item(Note(number=3))])
    assert spoiled.store.get(NOTE_BY_NUMBER, book="b", number=3) == Note(number=3)


def test_an_answer_without_a_checksum_counts_if_it_is_one_of_dynamodb(spoiled):
    spoiled.store.put(KEEP_NOTE, Put(NOTE, Note()))
    spoiled.damage = [lambda it: without_checksum(it, it.content)]
    assert spoiled.note() == Note()
    assert spoiled.front.seen["GetItem"] == 1


def test_the_checksum_costs_less_than_a_hundredth_of_reading_the_answer():
    """Of a page of 1 MB; botocore needs about 200 ms of CPU to read it."""
    body = b'{"Items":[' + b'{"PK":{"S":"0123456789"}},' * 40_000 + b"]}"
    answer = {"status_code": 200, "headers": {"x-amz-crc32": str(crc32(body))}, "body": body}
    took = []
    for _ in range(5):
        started = time.thread_time()
        _refuse_damaged(answer)
        took.append(time.thread_time() - started)
    assert min(took) < 0.005
