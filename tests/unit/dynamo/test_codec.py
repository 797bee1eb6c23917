"""Items and models: derived from the dataclass both ways, and exactly what is stored is said here."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Annotated, Any, Literal, NewType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_src.dynamo.schema import Entity, Index, SparseKey, Stored, Table
from lambda_src.dynamo.values import from_item, to_item

steady = settings(derandomize=True, deadline=None)

BY_STATE = Index("GSI1", partition="GSI1PK", sort="GSI1SK")
BY_NAME = Index("GSI2", partition="name")

ThingId = NewType("ThingId", str)
type State = Literal["open", "done"]
type Pairs = tuple[Mapping[str, Decimal | str], ...]
type Named = Pairs


def table() -> Table:
    return Table("things", "Things", "THINGS", partition="PK", sort="SK", indexes=(BY_STATE, BY_NAME))


@dataclass(frozen=True, slots=True)
class Everything:
    """A field of every type that a model has."""

    id: ThingId
    number: int
    price: Decimal
    is_on: bool
    content: bytes
    state: State
    level: Literal[1, 2, 3]
    tags: frozenset[str] = frozenset()
    pairs: Named = ()
    words: tuple[str, ...] = ()
    free: Mapping[str, Any] = field(default_factory=dict)
    other_id: ThingId | None = None
    other_number: int | None = None
    other_price: Decimal | None = None
    other_state: State | None = None
    either: int | str | None = None


EVERYTHING = Entity(table(), Everything, pk="THING#{id}", sk="NUMBER#{number:6}")

FULL = Everything(
    id=ThingId("a"),
    number=7,
    price=Decimal("1.50"),
    is_on=False,
    content=b"\x00\xff",
    state="open",
    level=2,
    tags=frozenset({"x", "y"}),
    pairs=({"a": Decimal("0.5"), "b": "text"}, {}),
    words=("one", "two"),
    other_id=ThingId("b"),
    other_number=0,
    other_price=Decimal(3),
    other_state="done",
    either="text",
)
FULL_WIRE: dict[str, dict[str, Any]] = {
    "PK": {"S": "THING#a"},
    "SK": {"S": "NUMBER#000007"},
    "id": {"S": "a"},
    "number": {"N": "7"},
    "price": {"N": "1.50"},
    "is_on": {"BOOL": False},
    "content": {"B": b"\x00\xff"},
    "state": {"S": "open"},
    "level": {"N": "2"},
    "tags": {"SS": ["x", "y"]},
    "pairs": {"L": [{"M": {"a": {"N": "0.5"}, "b": {"S": "text"}}}, {"M": {}}]},
    "words": {"L": [{"S": "one"}, {"S": "two"}]},
    "other_id": {"S": "b"},
    "other_number": {"N": "0"},
    "other_price": {"N": "3"},
    "other_state": {"S": "done"},
    "either": {"S": "text"},
}


def types_of(model: object) -> dict[str, type]:
    return {each.name: type(getattr(model, each.name)) for each in fields(model)}  # type: ignore[arg-type]


def test_a_value_of_every_type_is_stored_as_itself_and_comes_back():
    model = replace(FULL, free={"k": ["v"]})
    wire = {**FULL_WIRE, "free": {"M": {"k": {"L": [{"S": "v"}]}}}}
    assert to_item(EVERYTHING.item(model)) == wire
    read = EVERYTHING.decode(wire)
    assert read == model
    assert types_of(read) == types_of(model)
    assert EVERYTHING.model(EVERYTHING.item(model)) == model


def test_absent_values_are_not_stored_and_read_as_what_the_model_says():
    bare = Everything(ThingId("a"), 7, Decimal(1), True, b"x", "open", 1)
    item = EVERYTHING.item(bare)
    # empty lists and maps are values; None, "" and empty sets are not
    assert item.keys() == {
        "PK", "SK", "id", "number", "price", "is_on", "content", "state", "level", "pairs", "words", "free",
    }  # fmt: skip
    assert EVERYTHING.model(item) == bare
    for name in ("pairs", "words", "free"):
        del item[name]
    assert EVERYTHING.model(item) == bare


def test_a_number_without_a_fraction_stays_what_the_model_says_it_is():
    read = EVERYTHING.decode({**FULL_WIRE, "price": {"N": "2"}, "other_price": {"N": "1E+2"}, "either": {"N": "5"}})
    assert [(type(each), each) for each in (read.price, read.other_price, read.either)] == [
        (Decimal, Decimal(2)), (Decimal, Decimal(100)), (int, 5),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["id", "number", "price", "is_on", "content", "state", "level"])
def test_an_item_that_lacks_what_it_needs_is_refused_by_name(name):
    lacking = {key: value for key, value in FULL_WIRE.items() if key != name}
    for wire in (lacking, {**lacking, name: {"NULL": True}}):
        with pytest.raises(KeyError) as missing:
            EVERYTHING.decode(wire)
        assert missing.value.args == (name,)


@pytest.mark.parametrize(
    ("name", "absent"),
    [("tags", frozenset()), ("pairs", ()), ("words", ()), ("free", {}), ("either", None), ("other_id", None)],
)
def test_a_null_attribute_of_an_older_item_counts_as_absent(name, absent):
    read = EVERYTHING.decode({**FULL_WIRE, name: {"NULL": True}})
    assert read == replace(FULL, **{name: absent})


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
decimals = st.decimals(min_value=-(10**15), max_value=10**15, places=4)
everything = st.builds(
    Everything,
    id=texts,
    number=st.integers(0, 999_999),
    price=decimals,
    is_on=st.booleans(),
    content=st.binary(min_size=1, max_size=8),
    state=st.sampled_from(["open", "done"]),
    level=st.sampled_from([1, 2, 3]),
    tags=st.frozensets(texts, max_size=3),
    pairs=st.lists(st.dictionaries(texts, decimals | texts, max_size=3), max_size=3).map(tuple),
    words=st.lists(st.text(max_size=5).filter(bool), max_size=3).map(tuple),
    free=st.dictionaries(texts, st.integers() | texts | st.booleans() | st.lists(texts, max_size=2), max_size=3).filter(
        lambda free: all(not isinstance(value, int) or abs(value) < 10**38 for value in free.values())
    ),
    other_id=st.none() | texts,
    other_number=st.none() | st.integers(-(10**37), 10**37),
    other_price=st.none() | decimals,
    other_state=st.none() | st.sampled_from(["open", "done"]),
    either=st.none() | texts | st.integers(-(10**37), 10**37),
)


@steady
@given(everything)
def test_every_model_comes_back_from_the_wire(model):
    wire = to_item(EVERYTHING.item(model))
    read = EVERYTHING.decode(wire)
    assert read == model
    assert types_of(read) == types_of(model)
    assert from_item(to_item(EVERYTHING.item(read))) == from_item(wire), "read and written again it is the same item"


# ---- where storing differs from the model ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Differs:
    id: str
    passed: int = 0
    day: str = ""
    label: str
    shown: str = ""
    since: str | None
    state: State = "open"
    rank: int = 1

    @property
    def url(self) -> str | None:
        return f"https://example.test/{self.id}" if self.id != "none" else None


DIFFERS = Entity(
    table(),
    Differs,
    pk="DIFFERS#{id}",
    sk="X",
    constants={"entity_type": "Differs"},
    derived=("url",),
    stored={
        "passed": Stored(name="pass", read=lambda text: int(text), write=str),  # noqa: PLW0108 -- a callable of ours
        "day": Stored(write=lambda text: text[:10]),
        "label": Stored(name="l", default="unnamed"),
        "shown": Stored(fallback="label"),
        "since": Stored(default=None),
        "state": Stored(omit_default=True),
        "rank": Stored(name="r", omit_default=True, default=9),
    },
)


def differs(**changes: Any) -> Differs:
    return Differs(**{"id": "a", "label": "Label", "since": None, **changes})


def test_names_and_values_are_stored_as_declared():
    item = DIFFERS.item(differs(passed=3, day="2025-01-15T08:30:00Z", state="done", rank=2, since="2024"))
    assert item == {
        "PK": "DIFFERS#a", "SK": "X", "entity_type": "Differs", "url": "https://example.test/a", "id": "a", "pass": "3",
        "day": "2025-01-15", "l": "Label", "since": "2024", "state": "done", "r": 2,
    }  # fmt: skip
    assert DIFFERS.model(item) == differs(
        passed=3, day="2025-01-15", state="done", rank=2, since="2024", shown="Label"
    )  # fmt: skip


def test_what_has_its_default_can_be_left_out():
    assert DIFFERS.item(differs()).keys() == {"PK", "SK", "entity_type", "url", "id", "pass", "l"}


def test_a_derived_value_that_is_absent_is_left_out():
    assert "url" not in DIFFERS.item(differs(id="none"))


def read(**attributes: object) -> Differs:
    return DIFFERS.model({"PK": "DIFFERS#a", "SK": "X", "id": "a", **attributes})


def test_an_item_that_lacks_an_attribute_is_read_with_its_default():
    found = read(l="L", shown="S")
    assert (found.passed, found.day, found.state, found.since) == (0, "", "open", None)
    assert found.rank == 9, "what an older item means by lacking it, not what a new model has"
    assert read(shown="S").label == "unnamed"


@pytest.mark.parametrize("missing", [{}, {"shown": None}])
def test_another_attribute_stands_in_for_one_that_is_missing(missing):
    assert read(l="L", **missing).shown == "L"
    assert read(l="L", shown="S").shown == "S"


def test_another_attribute_stands_in_for_one_that_is_empty():
    wire = {"id": {"S": "a"}, "l": {"S": "L"}}
    for nothing in ({"S": ""}, {"NULL": True}):
        assert DIFFERS.decode({**wire, "shown": nothing}).shown == "L"
    with pytest.raises(KeyError) as missing:
        DIFFERS.decode({"id": {"S": "a"}})
    assert missing.value.args == ("l",)


def test_stored_names_are_told_by_the_models():
    codec = DIFFERS.codec
    assert [codec.stored_name(name) for name in ("passed", "label", "day", "PK")] == ["pass", "l", "day", "PK"]
    assert [codec.stored_value("passed", 3), codec.stored_value("passed", None), codec.stored_value("x", 3)] == [
        "3", None, 3,
    ]  # fmt: skip


# ---- keys ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    owner: str
    number: int
    version: int
    name: str = ""
    state: State = "open"
    opened_at: str | None = None


KEYED = Entity(
    table(),
    Keyed,
    pk="OWNER#{owner}",
    sk="N#{number:6}#V#{version}",
    key_only=("owner", "number", "version"),
    index_keys={
        "GSI1PK": SparseKey("STATE#{state}", when=lambda keyed: keyed.state == "open"),
        "GSI1SK": "{opened_at}",
        "name": "{name}",
    },
)


def test_what_stands_in_a_key_alone_is_read_from_there():
    keyed = Keyed(owner="a#b%", number=42, version=3)
    item = KEYED.item(keyed)
    assert item == {"PK": "OWNER#a%23b%25", "SK": "N#000042#V#3", "state": "open", "GSI1PK": "STATE#open"}
    found = KEYED.model(item)
    assert found == keyed
    assert (type(found.number), type(found.version)) == (int, int)


def test_an_index_key_comes_and_goes():
    item = KEYED.item(Keyed(owner="a", number=1, version=1, opened_at="2025"))
    assert (item["GSI1PK"], item["GSI1SK"]) == ("STATE#open", "2025")
    done = KEYED.item(Keyed(owner="a", number=1, version=1, opened_at="2025", state="done"))
    assert "GSI1PK" not in done
    assert done["GSI1SK"] == "2025"


@pytest.mark.parametrize("name", ["C# and %23", "did:web:localhost%3A3000", "a\nb"])
def test_an_attribute_that_is_an_index_key_is_stored_as_it_is(name):
    keyed = Keyed(owner="a", number=1, version=1, name=name)
    assert KEYED.item(keyed)["name"] == name
    assert KEYED.model(KEYED.item(keyed)) == keyed


@steady
@given(texts, st.integers(0, 999_999), st.integers(0, 10**9), texts)
def test_whatever_stands_in_keys_comes_back(owner, number, version, name):
    keyed = Keyed(owner=owner, number=number, version=version, name=name)
    assert KEYED.decode(to_item(KEYED.item(keyed))) == keyed


def test_a_constant_index_key_needs_no_value():
    entity = Entity(table(), Keyed, pk="K#{owner}", sk="X", index_keys={"GSI1PK": "ALL", "GSI1SK": "{opened_at}"})
    assert entity.index_keys_of(Keyed(owner="a", number=1, version=1)) == {"GSI1PK": "ALL"}


def test_a_reader_is_made_at_its_first_use_and_once():
    entity = Entity(table(), Keyed, pk="K#{owner}", sk="X")
    wire = {"owner": {"S": "a"}, "number": {"N": "1"}, "version": {"N": "1"}}
    readers: list[object] = [entity.codec._read]
    for _ in range(2):
        entity.decode(wire)
        readers.append(entity.codec._read)
    assert readers[0] is None
    assert readers[1] is readers[2] is not None


def test_a_type_in_quotes_is_refused():
    @dataclass(frozen=True)
    class Quoted:
        id: str
        price: "Decimal"

    with pytest.raises(TypeError, match="Decimal without quotes"):
        Entity(table(), Quoted, pk="Q#{id}", sk="X").codec.compile()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    id: str
    shard: int | None = None


def test_what_stands_only_in_a_key_that_an_item_may_lack_has_its_default_then():
    entity = Entity(table(), Listed, pk="L#{id}", sk="X", index_keys={"GSI1PK": "SHARD#{shard}"}, key_only=("shard",))
    for listed in (Listed(id="a"), Listed(id="a", shard=0)):
        assert entity.model(entity.item(listed)) == listed


@dataclass(frozen=True, slots=True)
class Visitor:
    """Says itself how it is stored."""

    id: str
    email: Annotated[str, Stored("em")]
    visits: Annotated[int | None, Stored("vis", default=3)] = None
    by_place: Annotated[Mapping[str, int], Stored(prefix="pl_")] = field(default_factory=dict)


VISITOR = Entity(table(), Visitor, pk="VISITOR#{id}", sk="META", stored={"visits": Stored("v")})


def test_a_model_can_say_itself_how_it_is_stored_and_the_entity_has_the_last_word():
    item = VISITOR.item(Visitor("1", "a@b.example", 2))

    assert item == {"PK": "VISITOR#1", "SK": "META", "id": "1", "em": "a@b.example", "v": 2}
    assert VISITOR.model(item) == Visitor("1", "a@b.example", 2)


def test_a_mapping_of_numbers_is_an_attribute_each():
    model = Visitor("1", "a@b.example", by_place={"home": 2, "pl_x": 10**20})
    item = VISITOR.item(model)

    assert item["pl_home"] == 2
    assert item["pl_pl_x"] == 10**20
    assert VISITOR.model(item) == model
    assert VISITOR.model({**item, "place": 5}).by_place == model.by_place
