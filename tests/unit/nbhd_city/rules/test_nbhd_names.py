"""Names of neighborhoods, shown and folded."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_src.services.nbhd_city.errors import InvalidText
from lambda_src.services.nbhd_city.neighborhoods.rules import display_name, fold_name


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
