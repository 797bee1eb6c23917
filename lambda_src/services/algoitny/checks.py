"""What may be stored of the texts and maps that callers send: checked before anything is asked of the table.

Sizes are bytes of UTF-8, as DynamoDB counts. Each raises InvalidInput, which names the field.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import Any, Final

from lambda_src.errors import InvalidInput

# DynamoDB takes 32 levels: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
MAX_DEPTH: Final = 30
MAX_DIGITS: Final = 38
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def known_fields(given: Mapping[str, Any], known: AbstractSet[str]) -> dict[str, Any]:
    """What is given, where all of its names are known: a mistake of ours otherwise, so it raises ValueError."""
    if not given.keys() <= known:
        raise ValueError(f"these cannot be chosen: {sorted(given.keys() - known)}")
    return dict(given)


def size_bytes(field: str, value: str) -> int:
    """The bytes of a text. Raises InvalidInput for half of a surrogate pair, which JSON can carry and UTF-8 cannot."""
    try:
        return len(value.encode())
    except UnicodeEncodeError as exc:
        raise InvalidInput(f"{field}: not valid Unicode text") from exc


def checked_text(
    field: str, value: object, *, least: int = 0, characters: int | None = None, max_bytes: int | None = None
) -> str:
    """A text of so many characters and bytes at most."""
    if not isinstance(value, str):
        raise InvalidInput(f"{field}: must be a text")
    size = size_bytes(field, value)
    if len(value) < least:
        raise InvalidInput(f"{field}: must have at least {least} characters")
    if characters is not None and len(value) > characters:
        raise InvalidInput(f"{field}: must have at most {characters} characters")
    if max_bytes is not None and size > max_bytes:
        raise InvalidInput(f"{field}: must have at most {max_bytes} bytes")
    return value


def checked_line(field: str, value: object, *, characters: int) -> str:
    """A text of at least one character and without control characters, such as a name that becomes part of a key."""
    text = checked_text(field, value, least=1, characters=characters)
    if _CONTROL.search(text):
        raise InvalidInput(f"{field}: must not have control characters")
    return text


def matching(field: str, value: object, pattern: re.Pattern[str]) -> str:
    """A text all of which is of a pattern."""
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise InvalidInput(f"{field}: must be of the form {pattern.pattern}")
    return value


def checked_map(field: str, value: object, *, max_bytes: int) -> dict[str, Any]:
    """A JSON object that DynamoDB can hold: as JSON of so many bytes at most, floats as the decimals they look like."""
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{field}: must be an object")
    stored: dict[str, Any] = _stored(field, value, 1)
    if size_bytes(field, json.dumps(stored, ensure_ascii=False, separators=(",", ":"), default=str)) > max_bytes:
        raise InvalidInput(f"{field}: must have at most {max_bytes} bytes as JSON")
    return stored


def _stored(field: str, value: object, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise InvalidInput(f"{field}: must not be nested deeper than {MAX_DEPTH} levels")
    match value:
        case Mapping():
            if not all(isinstance(name, str) and name for name in value):
                raise InvalidInput(f"{field}: names must be texts, and not empty")
            return {name: _stored(field, each, depth + 1) for name, each in value.items() if each is not None}
        case str() | bool():
            return value
        case int() | Decimal() | float():
            return _number(field, value)
        case Sequence():
            return [_stored(field, each, depth + 1) for each in value]
    raise InvalidInput(f"{field}: a list must not hold null" if value is None else f"{field}: must be JSON")


def _number(field: str, value: float | Decimal) -> int | Decimal:
    if isinstance(value, int):
        number: int | Decimal = value
        digits = value.bit_length() * 0.30103  # quicker than writing a number of any length down
    else:
        if not math.isfinite(value):
            raise InvalidInput(f"{field}: numbers must be finite")
        number = Decimal(str(value))
        digits = len(number.as_tuple().digits)
        if number and not -128 <= number.adjusted() <= 125:
            raise InvalidInput(f"{field}: numbers must not be that large or small")
    if digits > MAX_DIGITS:
        raise InvalidInput(f"{field}: numbers must have at most {MAX_DIGITS} digits")
    return number
