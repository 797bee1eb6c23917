"""What columns of the old schema take, for the way back. A limit says why a value cannot go there, "" where it can."""

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final

from lambda_src.migration.instants import day, instant
from lambda_src.migration.mapping import Column, Kind, Limit, Scalar

_INT: Final = range(-(2**31), 2**31)


def refusal(column: Column, value: Scalar) -> str:
    """Why the old column does not take a value, "" where it does."""
    if value is None:
        return "it is missing" if column.required else ""
    limit = column.limit or _OF_KIND.get(column.kind)
    return limit(value) if limit else ""


def characters(most: int | None = None, *, nul: bool = True) -> Limit:
    """VARCHAR, or TEXT without a bound. nul: whether it takes U+0000, which PostgreSQL does not."""

    def limit(value: Scalar) -> str:
        text = str(value)
        if most is not None and len(text) > most:
            return f"it has {len(text):,} characters, more than {most:,}"
        return "" if nul or "\0" not in text else "it contains U+0000"

    return limit


def utf8_bytes(most: int) -> Limit:
    """TEXT of MySQL."""

    def limit(value: Scalar) -> str:
        size_bytes = len(str(value).encode())
        return f"it has {size_bytes:,} bytes, more than {most:,}" if size_bytes > most else ""

    return limit


def one_of(*values: str) -> Limit:
    """ENUM."""
    return lambda value: "" if value in values else f"{str(value)[:40]!r} is none of {', '.join(values)}"


def decimal(digits: int, places: int) -> Limit:
    """DECIMAL; more places than it has are rounded away."""
    last = Decimal(1).scaleb(-places)

    def limit(value: Scalar) -> str:
        try:
            is_held = abs(Decimal(str(value)).quantize(last, ROUND_HALF_UP)) < 10 ** (digits - places)
        except InvalidOperation:  # no number, or one of too many digits
            is_held = False
        return "" if is_held else f"{str(value)[:40]} has no place in DECIMAL({digits},{places})"

    return limit


def _integer(value: Scalar) -> str:
    return "" if isinstance(value, int) and value in _INT else f"{str(value)[:40]} is no INT, which ends at 2147483647"


def _moment(value: Scalar) -> str:
    return _told(instant, value)


def _day(value: Scalar) -> str:
    return _told(day, value)


def _told(read: Callable[[str], object], value: Scalar) -> str:
    try:
        read(str(value))
    except ValueError as exc:
        return str(exc)
    return ""


_OF_KIND: Final[Mapping[Kind, Limit]] = {"integer": _integer, "datetime": _moment, "date": _day}
