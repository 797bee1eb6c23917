"""What HTTP bodies of several features are made of, and how much of a list fits into one answer."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Final

from pydantic import Field

Timestamp = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
Date = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]

_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")
_MAX_BODY_BYTES: Final = 5_000_000  # Lambda answers at most 6 MB, as text or as the base64 of what was compressed


def fitting[T](entries: Iterable[T], size_bytes: Callable[[T], int]) -> Iterator[T]:
    """The first entries that fit into one answer together, at least one. size_bytes: of an entry, as Lambda counts."""
    size = 0
    for number, entry in enumerate(entries):
        size += size_bytes(entry)
        if number and size > _MAX_BODY_BYTES:
            return
        yield entry


def number_in_text(value: object) -> object:
    """The number that a form's text stands for, where it can stand for nothing else; anything else as it came."""
    return int(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value


def text_bytes(text: str) -> int:
    """What a text takes in the JSON that Lambda returns, where the JSON of the body is itself a text of JSON."""
    return len(json.dumps(json.dumps(text, ensure_ascii=False), ensure_ascii=False).encode())
