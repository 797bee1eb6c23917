"""Texts that the collations which MySQL and MariaDB have by default take for one."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import chain
from typing import Final

# Of letters that Unicode does not take apart; and of those that it does, the ones which are letters of their own.
_LETTERS: Final = {
    "ø": "o", "đ": "d", "ħ": "h", "ł": "l", "æ": "ae", "œ": "oe", "\N{LATIN SMALL LETTER DOTLESS I}": "i",
    "ґ": "\N{CYRILLIC SMALL LETTER GHE}",
}  # fmt: skip
_WHOLE: Final = frozenset("йآأؤإئ")
_VARIANT: Final = re.compile(r"(?<=LETTER )(?:SMALL|FINAL) (?=.)")  # of kana and of Hebrew
# Canonical combining classes that weigh nothing: accents, vowel points, nukta, voicing, tones of Thai. Others are
# vowels of India and Thailand, which do weigh. https://www.unicode.org/reports/tr44/#Canonical_Combining_Class_Values
_ACCENTS: Final = frozenset({1, 7, 8, *range(10, 37), 107, *range(200, 255)})


def folded(text: str) -> str:
    """The same for texts that utf8mb4_0900_ai_ci, utf8mb4_general_ci or their kin take for one.

    Without case, accents, kinds of kana, digits of other scripts, what has no shape, and blanks at the end. Letters
    beyond U+FFFF are one to utf8mb4_general_ci, and so they are here. Compared with MariaDB 10.11 over each of the
    47,602 letters and digits up to there that stay as they are in lower case: 17 are joined with one that every
    collation holds apart, of the 54 classes of equal letters of utf8mb4_general_ci none is split, and 102 of the 602 of
    utf8mb4_uca1400_ai_ci are: runes, Bopomofo and phonetic letters among them.
    """
    if text.isascii() and text.isprintable():
        return text.lower().rstrip(" ")
    letters = "".join(map(_letter, "".join(_weighing(text)).casefold()))
    return "".join(_weighing(letters)).rstrip(" ")


def _weighing(text: str) -> Iterator[str]:
    parts = (each if each in _WHOLE else unicodedata.normalize("NFKD", each) for each in text)
    for character in chain.from_iterable(parts):
        if unicodedata.combining(character) not in _ACCENTS and unicodedata.category(character) not in {"Cc", "Cf"}:
            yield character


def _letter(character: str) -> str:
    """What stands for a character in lower case."""
    if character.isascii() or character in _LETTERS:
        return _LETTERS.get(character, character)
    if character > "\uffff":  # utf8mb4_general_ci takes all of these for one
        return "\ufffd"
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    name = _VARIANT.sub("", unicodedata.name(character, "")).replace("KATAKANA", "HIRAGANA")
    try:
        return unicodedata.lookup(name)
    except KeyError:
        return character
