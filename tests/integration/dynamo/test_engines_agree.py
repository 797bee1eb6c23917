"""SQLite and DynamoDB Local, asked the same: the same answers, the same errors, the same items in the end."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from lambda_src.dynamo import reads
from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.client import CallRefused
from lambda_src.dynamo.conditions import ABSENT, EXISTS, Attr, Condition, Operator
from lambda_src.dynamo.conditions import Test as Asked
from lambda_src.dynamo.reads import Query
from lambda_src.dynamo.render import create_table_input
from lambda_src.dynamo.schema import AccessPattern
from lambda_src.dynamo.sqlite import SqliteClient
from lambda_src.dynamo.store import Action, Check, Delete, Put, Store, Update, UpdateItem
from lambda_src.dynamo.values import to_item
from lambda_src.errors import AppError
from tests.support.agreeing import AgreeingEngines, as_a_set
from tests.support.sample_tables import (
    ADD_NOTE,
    ALL_OF_BOOK,
    BOOK,
    KEEP_NOTE,
    KEEP_PLACE,
    NOTE,
    NOTE_BY_NUMBER,
    NOTES,
    NOTES_AT_ONCE,
    NOTES_BY_TIME,
    NOTES_FROM_NUMBER,
    NOTES_IN_ORDER,
    NOTES_OF_BOOK,
    NOTES_OF_OWNER,
    NOTES_OF_TOPIC,
    PLACE,
    PLACE_OF_BOOK,
    PLACES,
    Book,
    Note,
    Place,
    note_key,
)  # fmt: skip
from tests.support.sqlite_engine import stored_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

RUNS, SOAK_RUNS, STEPS = 25, 500, 30
TEXTS = ("", "a", "ab", "b", "a\0", "é", "\uffff", "\U00010000", "x" * 150_000, "é" * 100_000)
NUMBERS = (
    0, 1, -1, 5, 10, 10**38 - 1, 1 - 10**38,
    *map(Decimal, ("0.1", "1.50", "-0.0", "1E+100", "1E-120", "-9.9E+125")),
)  # fmt: skip
# Within an index every note has a sort key of its own: the order of equal ones is nobody's promise.
KEYS = [("a", 0), ("a", 1), ("a", 9999), ("b", 2), ("b", 3), ("%#\0", 4)]
ATTRIBUTES = ("hits", "kept", "title", "text", "status", "price", "tags", "labels", "data", "things", "flag", "number")

# What a request of ours may end with, on both alike, or a model that cannot be made of what an update left.
REFUSED = (AppError, ArithmeticError, KeyError, TypeError, ValueError)

keys = st.sampled_from(KEYS)
texts = st.integers(0, len(TEXTS) - 1).map(lambda index: TEXTS[index])  # what is long would be in every message
numbers = st.sampled_from(NUMBERS)
sets = st.frozensets(st.sampled_from(TEXTS[1:8]), min_size=1, max_size=3)
plain = st.one_of(texts, numbers, sets, st.booleans(), st.sampled_from((b"a", b"ab", b"\xff\0")))
values = st.one_of(
    texts, numbers, sets, plain, st.lists(plain, max_size=3), st.dictionaries(st.sampled_from("BSx"), plain, max_size=2)
)
present = values.filter(lambda value: value != "")  # which is absent
names = st.sampled_from(ATTRIBUTES)
operands = st.one_of(values, values, names.map(Attr))
tests = st.one_of(
    st.builds(lambda name, word, one: Asked(name, word, (one,)), names,
              st.sampled_from(("=", "<>", "<", "<=", ">", ">=", "contains", "begins_with")), operands),
    st.builds(lambda name, low, high: Attr(name).between(low, high), names, operands, operands),
    st.builds(lambda name, some: Attr(name).is_in(some), names, st.lists(operands, min_size=1, max_size=3)),
    st.builds(Asked, names, st.sampled_from(("exists", "not_exists"))),
)  # fmt: skip
filters: st.SearchStrategy[Condition] = st.recursive(
    tests,
    lambda inner: st.one_of(
        inner.map(lambda one: ~one), st.builds(lambda one, other: one & other, inner, inner),
        st.builds(lambda one, other: one | other, inner, inner),
    ),
    max_leaves=4,
)  # fmt: skip
conditions = st.one_of(st.none(), st.none(), st.sampled_from((EXISTS, ABSENT)), filters)


@st.composite
def notes(draw: st.DrawFn) -> Note:
    book, number = draw(keys)
    shown = draw(st.sampled_from((None, "2025-", "é", "\uffff", "\U00010000")))
    return Note(
        book=book,
        number=number,
        topic=draw(st.sampled_from((None, "t", "u#%"))),
        owner=draw(st.sampled_from((None, "o"))),
        shard=draw(st.sampled_from((None, 0))),
        written_at=shown and f"{shown}\0{number}",
        title=draw(texts),
        text=draw(texts),
        price=draw(st.sampled_from((None, Decimal("1.50"), Decimal("1E+3")))),
        tags=draw(st.one_of(st.just(frozenset()), sets)),
        hits=draw(st.sampled_from((None, 0, 10**38 - 1))),
    )


@st.composite
def updates(draw: st.DrawFn) -> Update:
    update = Update()
    for name in draw(st.lists(names, min_size=1, max_size=3, unique=True)):
        number = draw(st.one_of(numbers, sets))
        update = draw(
            st.sampled_from((
                update.set(**{name: draw(present)}),
                update.set_if_absent(**{name: draw(present)}),
                update.add(**{name: number}),
                update.remove(name),
                update.delete(**{name: draw(sets)}),
            ))
        )  # fmt: skip
    for name in draw(st.sampled_from(((), (), ("GSI1PK",), ("GSI2PK", "GSI3SK")))):
        update = draw(st.sampled_from((update.remove(name), update.set(**{name: f"OWNER#o{name}"}))))
    return update


@st.composite
def actions(draw: st.DrawFn, *, note: Note | None = None) -> Action:
    """What may be done with one note."""
    of = note or draw(notes())
    key, condition, returns = note_key(of.number, of.book), draw(conditions), draw(st.booleans())
    kinds: list[Callable[[], Action]] = [
        lambda: Put(NOTE, of, condition, returns),
        lambda: UpdateItem(key, draw(updates()), condition, returns),
        lambda: Delete(key, condition, returns),
        lambda: Check(key, condition or EXISTS, returns),
    ]
    return draw(st.sampled_from(kinds))()


lists: st.SearchStrategy[tuple[AccessPattern[Any], dict[str, Any]]] = st.sampled_from([
    (NOTES_OF_BOOK, {"book": "a"}), (NOTES_OF_BOOK, {"book": "a", "number": 1}), (ALL_OF_BOOK, {"book": "b"}),
    (NOTES_FROM_NUMBER, {"book": "a", "number": 1}), (NOTES_OF_TOPIC, {"topic": "t"}),
    (NOTES_OF_TOPIC, {"topic": "u#%"}), (NOTES_BY_TIME, {"shard": 0}), (NOTES_IN_ORDER, {"shard": 0}),
])  # fmt: skip


class Engines(RuleBasedStateMachine):
    """One store over both; the client below it does the comparing, before models are made of the answers."""

    client: "DynamoDBClient"

    @initialize()
    def make(self) -> None:
        self.run = uuid.uuid4().hex[:30]  # an engine knows tokens of all tables
        self.names = {table.name: f"{table.base_name}-{self.run}" for table in (NOTES, PLACES)}
        self.sqlite = SqliteClient(":memory:", {self.names[table.name]: table for table in (NOTES, PLACES)})
        for table in (NOTES, PLACES):
            self.client.create_table(**create_table_input(table, self.names[table.name]))
        self.store = Store(AgreeingEngines(Boto3Client(self.client), self.sqlite), self.names)

    @rule(action=actions(), returning=st.sampled_from(("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_NEW")))
    def write(self, action: Action, returning: Any) -> None:
        with suppress(*REFUSED):
            match action:
                case Put():
                    self.store.put(KEEP_NOTE, action)
                case UpdateItem():
                    self.store.update(KEEP_NOTE, action, returning=returning)
                case Delete():
                    self.store.delete(KEEP_NOTE, action, returning="ALL_OLD" if returning == "ALL_OLD" else "NONE")
                case Check():
                    self.store.transact(ADD_NOTE, [action])

    @rule(several=st.lists(actions(), min_size=1, max_size=5), token=st.sampled_from((None, None, "one", "two")))
    def transact(self, several: list[Action], token: str | None) -> None:
        with suppress(*REFUSED):
            self.store.transact(ADD_NOTE, several, token=token and f"{token}-{self.run}")

    @rule(put=st.lists(notes(), max_size=4), deleted=st.lists(keys, max_size=3), is_described=st.booleans())
    def write_many(self, put: list[Note], deleted: list[tuple[str, int]], is_described: bool) -> None:  # noqa: FBT001
        about = [BOOK.item(Book(book="a"))] if is_described else []
        with suppress(*REFUSED):
            items = [*map(NOTE.item, put), *about]
            self.store.batch_write(
                NOTES_AT_ONCE, puts=items, deletes=[note_key(number, book).values for book, number in deleted]
            )

    @rule(name=st.sampled_from(("attic", "a\0", "é" * 1024)), value=st.sampled_from((None, *NUMBERS)))
    def keep_place(self, name: str, value: Any) -> None:
        self.store.put(KEEP_PLACE, Put(PLACE, Place(name=name, value=value)))
        self.store.update(KEEP_PLACE, UpdateItem(PLACE.key(name=name), Update().add(owner=1)), returning="ALL_NEW")
        with suppress(*REFUSED):
            self.store.get(PLACE_OF_BOOK, name=name)

    @rule(several=st.lists(keys, min_size=1, max_size=6))
    def read(self, several: list[tuple[str, int]]) -> None:
        with suppress(*REFUSED):
            self.store.batch_get(NOTE_BY_NUMBER, [note_key(number, book) for book, number in several])
        with suppress(*REFUSED):
            self.store.get(NOTE_BY_NUMBER, book=several[0][0], number=several[0][1])

    @rule(
        which=lists,
        where=st.one_of(st.none(), filters),
        limit=st.sampled_from((None, None, 1, 2, 5)),
        shown=st.lists(names, max_size=2, unique=True),
        counts=st.booleans(),
    )
    def query(self, which: Any, where: Any, limit: int | None, shown: list[str], counts: bool) -> None:  # noqa: FBT001
        pattern, values = which
        query = Query(
            pattern=pattern,
            values=values,
            where=where,
            limit=limit,
            attributes=() if counts else shown,
            select={"Select": "COUNT"} if counts else {},
        )
        with suppress(*REFUSED):
            list(reads.pages(self.store._caller, query))

    @rule()
    def list_of_owner(self) -> None:
        self.store.rows(NOTES_OF_OWNER, "PK", "SK", owner="o")

    def teardown(self) -> None:
        """What is stored is the same. Nothing was made where drawing the first step failed."""
        stored = []
        for name in getattr(self, "names", {}).values():
            pages = self.client.get_paginator("scan").paginate(TableName=name, ConsistentRead=True)
            found = [item for page in pages for item in page["Items"]]
            stored.append((as_a_set(found), as_a_set(stored_items(self.sqlite, name))))
            self.client.delete_table(TableName=name)
        if stored:
            self.sqlite.close()
        for of_one, of_other in stored:
            assert of_one == of_other


@pytest.fixture
def both(dynamodb_client, make_tables) -> Iterator[Store]:
    names = make_tables([NOTES])
    engine = SqliteClient(":memory:", {names["notes"]: NOTES})
    yield Store(AgreeingEngines(Boto3Client(dynamodb_client), engine), names)
    engine.close()


def answered(ask: Callable[..., object], *arguments: Any, **options: Any) -> bool:
    """Whether both engines answered rather than refused, alike."""
    try:
        ask(*arguments, **options)
    except REFUSED:
        return False
    return True


OF_EACH_KIND: Mapping[str, Any] = {
    "text": "ab", "number": 1, "price": Decimal("1.50"), "data": b"ab", "flag": True, "tags": frozenset({"a", "b"}),
    "things": ["a", 1, ["a"]], "facts": {"a": Decimal("1.0")},
}  # fmt: skip
COMPARED = (*OF_EACH_KIND.values(), "a", "", b"a", ["a"], Attr("text"), Attr("things"), Attr("missing"))
WORDS: tuple[Operator, ...] = ("=", "<>", "<", "contains", "begins_with")


def test_every_comparison_of_every_two_kinds_of_values_is_answered_alike(both):
    both.update(KEEP_NOTE, UpdateItem(note_key(1), Update().set(**OF_EACH_KIND)))
    asked: list[Condition] = [
        *(Asked(name, word, (one,)) for name, word, one in product((*OF_EACH_KIND, "missing"), WORDS, COMPARED)),
        *(Attr("number").between(low, high) for low, high in product(COMPARED, (1, "b"))),
        *(Attr("price").is_in([one, 7]) for one in COMPARED),
        *(Attr("number").is_in(range(2, end)) for end in (102, 103)),
    ]
    answers = [answered(both.count, NOTES_OF_BOOK, book="b", where=where) for where in asked]
    assert 0.6 < sum(answers) / len(answers) < 0.9


def test_every_step_of_an_update_is_carried_out_alike_on_every_kind_of_value(both):
    answers = []
    for name, value in product((*OF_EACH_KIND, "missing"), OF_EACH_KIND.values()):
        start: Any = Update()
        for change in (start.set, start.set_if_absent, start.add, start.delete):
            both.update(KEEP_NOTE, UpdateItem(note_key(1), Update().set(**OF_EACH_KIND).remove("missing")))
            step = UpdateItem(note_key(1), change(**{name: value}))
            answers.append(answered(both.update, KEEP_NOTE, step, returning="UPDATED_NEW"))
    assert 0.5 < sum(answers) / len(answers) < 0.7


def test_what_a_key_or_an_index_cannot_be_asked_is_refused_alike(both):
    whole = Note(topic="t", owner="o", shard=0, written_at="2025", title="T", text="x")
    both.put(KEEP_NOTE, Put(NOTE, whole))
    for condition in (ABSENT, Attr("text").eq("y"), Attr("text").begins_with("y")):
        assert not answered(both.put, KEEP_NOTE, Put(NOTE, whole, condition, return_old=True))
    questions: list[tuple[AccessPattern[Any], dict[str, Any]]] = [
        (NOTES_OF_BOOK, {"book": "b"}), (NOTES_OF_TOPIC, {"topic": "t"}), (NOTES_OF_OWNER, {"owner": "o"}),
        (NOTES_BY_TIME, {"shard": 0}),
    ]  # fmt: skip
    answers = [answered(both.items, pattern, consistent=True, **values) for pattern, values in questions]
    for (pattern, values), name in product(questions, ("PK", "SK", "GSI1PK", "GSI1SK", "GSI2PK", "title", "text")):
        answers.append(answered(both.count, pattern, where=Attr(name).exists(), **values))
        answers.append(answered(both.rows, pattern, name, **values))
    answers += [answered(both.items, NOTES_FROM_NUMBER, after={"number": n}, book="b", number=1) for n in range(3)]
    assert 0.3 < sum(answers) / len(answers) < 0.7


@pytest.mark.parametrize(
    "item",
    [
        {}, {"PK": "a"}, {"SK": "a"}, {"PK": "a", "SK": "b" * 1_025}, {"PK": "a" * 2_049, "SK": "b"},
        *({"PK": "a", "SK": "b", **key} for key in (
            {"GSI1PK": 1}, {"GSI1PK": b"a"}, {"GSI1PK": "a" * 2_049}, {"GSI1SK": "a" * 1_025}, {"t": "a" * 409_600},
        )),
    ],
)  # fmt: skip
def test_an_item_that_dynamodb_does_not_store_is_refused_alike(both, item):
    engine, name = both._caller.client, both._caller.physical_name(NOTES)
    written: dict[str, Any] = to_item(item)
    writes = [{"PutRequest": {"Item": written}}]
    put = {"TableName": name, "Item": written}
    others = [{"Put": {"TableName": name, "Item": to_item({"PK": "z", "SK": "z"})}}, {"Put": put}]
    for operation, request in (
        ("PutItem", put),
        ("BatchWriteItem", {"RequestItems": {name: writes}}),
        ("TransactWriteItems", {"TransactItems": others, "ClientRequestToken": uuid.uuid4().hex}),
    ):
        with pytest.raises(CallRefused):
            engine.call(operation, request, "test")


@pytest.mark.parametrize("runs", [RUNS, pytest.param(SOAK_RUNS, marks=pytest.mark.soak)])
def test_both_engines_agree_whatever_is_asked(dynamodb_client, runs):
    machine = type("Machine", (Engines,), {"client": dynamodb_client})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=runs,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=[
                Phase.generate
            ],  # the call that differs is shown as it is; to find a smaller way to it takes minutes
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        ),
    )
