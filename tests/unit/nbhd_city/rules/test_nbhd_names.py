"""Names of neighborhoods, shown and folded."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_src.services.nbhd_city.errors import InvalidText
from lambda_src.services.nbhd_city.neighborhoods.rules import display_name, fold_name


def flag(region: str) -> str:
    """A black flag and tags: England is `gbeng`."""
    return "\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in region) + "\U000e007f"


@pytest.mark.parametrize(
    ("one", "other", "key"),
    [
        ("Straße", "STRASSE", "strasse"),
        ("\ufb01ne Street", "FINE  street ", "fine street"),
        ("\uff21\uff22\uff23", "abc", "abc"),
        ("Café", "Cafe\u0301", "café"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος", "σίσυφοσ"),
        ("a\u200db", "ab", "ab"),
        ("❤\ufe0f", "❤", "❤"),
        ("Tab\there", "tab here", "tab here"),
    ],
)
def test_spellings_of_one_name_have_one_key(one, other, key):
    assert fold_name(display_name(one)) == fold_name(display_name(other)) == key


def test_letters_of_different_scripts_stay_apart():
    assert fold_name("A") != fold_name("\u0410")  # Latin and Cyrillic


@pytest.mark.parametrize(
    "name",
    [
        "",
        " \t\n",
        "x" * 101,
        "bell\x07",
        "half \ud800",
        "private \ue000",
        "unassigned \u0378",
        "left\u202eright",
        "\ufeff",
    ],
)
def test_what_cannot_be_shown_is_no_name(name):
    with pytest.raises(InvalidText):
        display_name(name)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("\ufeffHome", "U+FEFF"),
        ("Home\u200e", "U+200E"),
        ("left\u202eright", "U+202E"),
        ("un\u00adseen", "U+00AD"),
        ("bell\x07", "U+0007"),
        ("half \ud83e", "U+D83E"),
        ("private \U00100000", "U+100000"),
        ("unassigned \u0378", "U+0378"),
        ("a later digit \U0001fbff", "U+1FBFF"),
        ("tags \U000e0067\U000e0062 without a flag", "U+E0067"),
        ("\U0001f3f4\U000e0067\U000e0062 without an end", "U+E0067"),
        ("\U0001f3f3\U000e0067\U000e0062\U000e0065\U000e007f on another flag", "U+E0067"),
    ],
)
def test_a_refusal_names_the_code_point_that_nobody_sees(name, code):
    with pytest.raises(InvalidText, match=f"{code.replace('+', '[+]')}$"):
        display_name(name)


@pytest.mark.parametrize(
    "name",
    [
        flag("gbeng"),
        flag("gbsct"),
        f"{flag('gbwls')}{flag('ustx')} twins",
        "\U0001fae9",  # of Unicode 16
        "\U0001fac8 and \U0001f6d8",  # of Unicode 17
        "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
        "\U0001f3f3\ufe0f\u200d\U0001f308",
        "\U0001f1ea\U0001f1fa 1\ufe0f\u20e3 \U0001f44d\U0001f3fd",
    ],
)
def test_pictures_of_several_characters_or_of_a_later_unicode_stay_whole(name):
    assert display_name(name) == name
    assert fold_name(fold_name(name)) == fold_name(name)


def test_flags_that_look_different_are_different_names():
    flags = [flag("gbeng"), flag("gbsct"), flag("gbwls"), "\U0001f3f4"]
    assert len({fold_name(display_name(each)) for each in flags}) == len(flags)


def test_a_name_of_nothing_but_joiners_has_no_key():
    assert display_name("\u200d") == "\u200d"
    with pytest.raises(InvalidText):
        fold_name("\u200d")


def test_a_key_has_at_most_512_bytes():
    assert len(fold_name("\ufdfa" * 15).encode()) <= 512
    with pytest.raises(InvalidText):
        fold_name("\ufdfa" * 100)


def test_a_name_is_shown_in_one_form():
    assert display_name("  My \t  Neighborhood\n") == "My Neighborhood"
    assert display_name("Cafe\u0301") == "Café"
    assert display_name("x" * 100) == "x" * 100


def test_folding_again_changes_no_code_point():
    unstable = []
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if unicodedata.category(character) in {"Cn", "Cs", "Co", "Cc"}:
            continue
        try:
            once = fold_name(f"a{character}b")
        except InvalidText:
            continue
        if fold_name(once) != once:
            unstable.append(hex(code))
    assert unstable == []


@given(st.text(max_size=60))
def test_folding_again_changes_no_text(text):
    try:
        folded = fold_name(display_name(text))
    except InvalidText:
        return
    assert fold_name(folded) == folded
