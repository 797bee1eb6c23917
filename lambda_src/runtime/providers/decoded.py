"""Reading decoded JSON of unknown shape: a member that is missing or of another type is None."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Final

type Json = object
"""dict, list, str, int, Decimal, bool or None, as `decode` makes them."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_FENCE: Final = "```"
_OPENING: Final = re.compile(r"[{\[]")
_SURELY_JSON: Final = re.compile(r"\{\s*[\"}]|\[\s*[\"{\[\]]")  # and no bracket of a sentence
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")  # JSON may hold halves of a pair, UTF-8 may not


def decode(content: bytes | str) -> Json:
    """A JSON document with its fractions as Decimal, exactly as written. Raises ValueError for anything else."""
    try:
        return json.loads(content, parse_float=_decimal, parse_constant=_refuse)
    except RecursionError as exc:
        raise ValueError("The document is nested too deeply") from exc


def embedded(text: str) -> Iterator[Json]:
    """The JSON objects and lists in a text, in order, whatever stands around them: sentences, fences, footnotes.

    Of one that breaks off nothing is given, since what stands inside is only part of it; the next fence begins anew.
    """
    position = 0
    while (opening := _OPENING.search(text, position)) is not None:
        start = opening.start()
        try:
            value, position = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError) as exc:
            position = max(start + 1, getattr(exc, "pos", 0))  # what stands before is part of what broke off
            if isinstance(exc, RecursionError) or _SURELY_JSON.match(text, start):
                fence = text.find(_FENCE, position)
                position = len(text) if fence < 0 else fence
        else:
            yield value


def decode_or_none(content: bytes) -> Json:
    """The document, None for what is none: what is then missing is found missing."""
    try:
        return decode(content)
    except ValueError:
        return None


def at(value: Json, *path: str) -> Json:
    """The member that the path of names leads to."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def text_at(value: Json, *path: str) -> str | None:
    """The text there; an empty one counts as none."""
    found = at(value, *path)
    return found if isinstance(found, str) and found else None


def list_at(value: Json, *path: str) -> list[Json]:
    """The elements there, none when there is no list."""
    found = at(value, *path)
    return found if isinstance(found, list) else []


def clean_text(text: str, limit: int) -> str:
    """The text on one line, trimmed and cut to `limit` characters; maybe empty.

    Control characters become a space, halves of surrogate pairs become U+FFFD.
    """
    return _SURROGATE.sub("\ufffd", _CONTROL.sub(" ", text)).strip()[:limit].rstrip()


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as exc:
        raise ValueError("A number is out of range") from exc


def _refuse(constant: str) -> Json:
    raise ValueError(f"{constant} is no JSON")


_DECODER: Final = json.JSONDecoder(parse_float=_decimal, parse_constant=_refuse)
