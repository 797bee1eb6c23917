"""Keys: built, escaped, limited, and taken apart again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_src.dynamo.keys import KeyTemplate, escape, number_text, unescape
from lambda_src.errors import InvalidKey

steady = settings(derandomize=True, deadline=None)
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
MENTION = KeyTemplate("MENTION#{ticker}#{date}#{video}")


def test_a_key_is_built_from_its_template():
    assert MENTION.build(ticker="NVDA", date="2025-01-15", video="v1") == "MENTION#NVDA#2025-01-15#v1"
    assert KeyTemplate("LOG#{number}").build(number=7) == "LOG#7"
    assert MENTION.fields == ("ticker", "date", "video")


def test_a_template_without_fields_is_a_constant():
    assert KeyTemplate("INDEX#").build() == "INDEX#"
    assert KeyTemplate("INDEX#").prefix() == "INDEX#"
    assert KeyTemplate("INDEX#").parse("INDEX#") == {}


@pytest.mark.parametrize(
    "value",
    ["handle:testchannel", "BRK.B", "2025-01-15T08:30:00.123Z", "l·l", "日本語", "Ünïcode", "a b", "a/b+c_d-e", "👍"],
)
def test_ordinary_text_stands_in_a_key_as_it_is(value):
    assert KeyTemplate("X#{value}").build(value=value) == f"X#{value}"


@pytest.mark.parametrize(
    ("value", "escaped"),
    [
        ("a#b", "a%23b"),
        ("100%", "100%25"),
        ("%23", "%2523"),
        ("\x00", "%00"),
        ("line\nbreak", "line%0Abreak"),
        ("\x1f\x7f", "%1F%7F"),
        ("\x20~", " ~"),
    ],
)
def test_what_could_forge_a_key_is_escaped(value, escaped):
    assert escape(value) == escaped
    assert unescape(escaped) == value


def test_a_value_cannot_pass_for_the_rest_of_a_key():
    forged = MENTION.build(ticker="A#2025-01-15", date="x", video="v")
    assert forged == "MENTION#A%232025-01-15#x#v"
    assert not forged.startswith(MENTION.prefix(ticker="A"))


@steady
@given(texts, texts, texts)
def test_every_key_gives_its_values_back(ticker, date, video):
    template = KeyTemplate("MENTION#{ticker}#{date}#{video}", limit_bytes=2048)
    values = {"ticker": ticker, "date": date, "video": video}
    assert template.parse(template.build(**values)) == values


@steady
@given(st.tuples(texts, texts), st.tuples(texts, texts))
def test_different_values_never_make_the_same_key(one, other):
    template = KeyTemplate("A#{x}#{y}", limit_bytes=2048)
    keys = [template.build(x=x, y=y) for x, y in (one, other)]
    assert (keys[0] == keys[1]) == (one == other)


@steady
@given(st.text(max_size=30))
def test_only_keys_of_the_shape_are_taken_apart(text):
    template = KeyTemplate("A#{x}")
    try:
        values = template.parse(text)
    except ValueError:
        return
    assert template.build(**values) == text


@pytest.mark.parametrize(
    "text", ["MENTION#A#B", "MENTION#A#B#", "MENTION#A#B#C#D", "mention#A#B#C", "MENTION#A#B#%zz", ""]
)
def test_a_key_of_another_shape_is_refused(text):
    with pytest.raises(ValueError, match="shape"):
        MENTION.parse(text)


def test_a_prefix_ends_before_the_first_value_that_is_not_given():
    assert MENTION.prefix() == "MENTION#"
    assert MENTION.prefix(ticker="NVDA") == "MENTION#NVDA#"
    assert MENTION.prefix(ticker="NVDA", date="2025") == "MENTION#NVDA#2025#"
    assert MENTION.prefix(ticker="A", date="B", video="C") == MENTION.build(ticker="A", date="B", video="C")


@pytest.mark.parametrize("values", [{"tickr": "NVDA"}, {"date": "2025"}, {"ticker": "A", "video": "v"}])
def test_a_misspelt_or_missing_name_never_widens_a_prefix(values):
    with pytest.raises(TypeError):
        MENTION.prefix(**values)


def test_a_beginning_is_written_as_its_field_is_and_ends_within_it():
    assert MENTION.beginning("ticker", ticker="NV") == "MENTION#NV"
    assert MENTION.beginning("date", ticker="A#", date="20%") == "MENTION#A%23#20%25"
    assert MENTION.beginning("video", ticker="A", date="B", video=1) == "MENTION#A#B#1"
    assert KeyTemplate("{name}").beginning("name", name="a#%") == "a#%", "a key that is one value has no parts"
    assert KeyTemplate("{number:4}#{name}").beginning("name", number=7, name="x") == "0007#x"


@steady
@given(texts, texts, st.booleans(), st.integers(1, 40))
def test_a_key_begins_with_a_beginning_exactly_where_the_value_does(value, other, is_part, length):
    beginning = value[:length] if is_part else other
    for template in (KeyTemplate("X#{value}#{id}"), KeyTemplate("{value}#{id}")):
        key = template.build(value=value, id="i")
        assert key.startswith(template.beginning("value", value=beginning)) == value.startswith(beginning)


@pytest.mark.parametrize(
    "values",
    [{"date": "2025"}, {"ticker": "A"}, {"ticker": "A", "date": "B", "video": "C"}, {"tickr": "A", "date": "B"}],
)
def test_a_beginning_needs_all_that_stands_before_it_and_nothing_behind(values):
    with pytest.raises(TypeError, match="before date"):
        MENTION.beginning("date", **values)


def test_a_beginning_has_the_limits_of_a_key():
    template = KeyTemplate("X#{value}", limit_bytes=6)
    assert template.beginning("value", value="éé") == "X#éé"
    for value in ("ééa", "\ud800"):
        with pytest.raises(InvalidKey):
            template.beginning("value", value=value)


def test_a_build_needs_exactly_the_names_of_its_template():
    with pytest.raises(TypeError, match="lacks date, video"):
        MENTION.build(ticker="A")
    with pytest.raises(TypeError, match="knows no other"):
        MENTION.build(ticker="A", date="B", video="C", other="D")


def test_an_empty_value_is_refused():
    with pytest.raises(InvalidKey):
        MENTION.build(ticker="", date="B", video="C")
    with pytest.raises(InvalidKey):
        MENTION.prefix(ticker="")


def test_half_a_surrogate_pair_is_refused():
    with pytest.raises(InvalidKey):
        KeyTemplate("{x}").build(x="\ud800")


@pytest.mark.parametrize(("limit", "value"), [(1024, "x"), (1024, "é"), (2048, "日"), (2048, "#")])
def test_the_limit_counts_bytes_of_the_finished_key(limit, value):
    template = KeyTemplate("A#{x}", limit_bytes=limit)
    size = len(escape(value).encode())
    fits = (limit - 2) // size
    assert len(template.build(x=value * fits).encode()) <= limit
    with pytest.raises(InvalidKey):
        template.build(x=value * (fits + 1))


def test_a_template_alone_has_the_limit_of_a_sort_key():
    assert KeyTemplate("{x}").build(x="x" * 1024)
    with pytest.raises(InvalidKey):
        KeyTemplate("{x}").build(x="x" * 1025)


@pytest.mark.parametrize("text", ["", "{a}{b}", "{a}-{b}", "A#{a}#{a}", "A#{}", "A#{not a name}"])
def test_a_template_that_could_not_be_taken_apart_is_refused(text):
    with pytest.raises(ValueError, match="key template"):
        KeyTemplate(text)


@steady
@given(st.integers(0, 10**9 - 1), st.integers(0, 10**9 - 1))
def test_padded_numbers_sort_as_numbers(one, other):
    template = KeyTemplate("N#{number}#{id}")
    keys = [template.build(number=number_text(number, 9), id="x") for number in (one, other)]
    assert (keys[0] < keys[1]) == (one < other)


@steady
@given(st.datetimes(), st.datetimes(), texts, texts)
def test_times_of_a_fixed_width_sort_as_times_whatever_follows(one, other, id_of_one, id_of_other):
    template = KeyTemplate("LOG#{at}#{id}")
    moments = [f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z".zfill(24) for moment in (one, other)]
    keys = [template.build(at=at, id=text) for at, text in zip(moments, (id_of_one, id_of_other), strict=True)]
    if moments[0] != moments[1]:
        assert (keys[0].encode() < keys[1].encode()) == (moments[0] < moments[1])


@pytest.mark.parametrize(("value", "width"), [(-1, 5), (100_000, 5), (10, 1)])
def test_a_number_that_does_not_fit_its_width_is_refused(value, width):
    with pytest.raises(InvalidKey):
        number_text(value, width)


def test_a_number_is_padded_with_zeros():
    assert number_text(42, 5) == "00042"
    assert number_text(99_999, 5) == "99999"


@pytest.mark.parametrize("value", ["C# 100%", "did:web:localhost%3A3000", "a\nb", "%23"])
def test_a_key_that_is_one_value_alone_is_the_value(value):
    assert KeyTemplate("{x}").build(x=value) == value
    assert KeyTemplate("{x}").parse(value) == {"x": value}
    assert KeyTemplate("{x}#").build(x=value) == escape(value) + "#"
    with pytest.raises(InvalidKey):
        KeyTemplate("{x}").build(x="")
    with pytest.raises(ValueError, match="shape"):
        KeyTemplate("{x}").parse("")


def test_a_width_in_a_template_pads_its_number():
    template = KeyTemplate("LOG#{number:6}#{id}")
    assert template.fields == ("number", "id")
    assert template.build(number=42, id=7) == "LOG#000042#7"
    assert template.build(number="42", id="x") == "LOG#000042#x"
    assert template.prefix(number=999_999) == "LOG#999999#"
    assert template.parse("LOG#000042#7") == {"number": "000042", "id": "7"}
    for number in (1_000_000, -1):
        with pytest.raises(InvalidKey, match="between 0 and 999999"):
            template.build(number=number, id="x")


@pytest.mark.parametrize(
    ("template", "text", "fits"),
    [
        ("MENTION#{ticker}", "MENTION#NVDA", True),
        ("MENTION#{ticker}", "MENTIONS#NVDA", False),
        ("ABOUT", "ABOUT", True),
        ("ABOUT", "ABOUT#1", False),
        ("{ticker}", "anything", True),
    ],
)
def test_the_beginning_of_a_key_tells_its_kind(template, text, fits):
    assert KeyTemplate(template).fits(text) is fits
