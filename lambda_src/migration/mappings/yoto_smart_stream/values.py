"""Values as SQLite may hold them: whatever somebody wrote, of any type."""

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final

from lambda_src.migration.instants import instant
from lambda_src.migration.mapping import Scalar, Warn
from lambda_src.services.yoto_smart_stream.models import timestamp

BEGUN: Final = ""
"""Instead of an instant that could not be read: when the migration began, as soon as that is known."""

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]|$)", re.ASCII)
_SWITCH: Final = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}
_MOST: Final = 2**63  # what SQLite's integers end at


def switch(stored: Scalar) -> bool | None:
    """What any of 1/0, true/false, yes/no, on/off says, in any case; None for everything else."""
    return _SWITCH.get(str(stored).strip().lower())


def boolean(stored: Scalar, *, otherwise: bool, what: str, warn: Warn) -> int:
    """0 or 1; `otherwise` for NULL, and with a warning for what is neither."""
    if stored is None:
        return int(otherwise)
    if isinstance(stored, int):
        return int(stored != 0)
    said = switch(stored)
    if said is None:
        warn("unreadable_flag", f"{what} was read as {str(otherwise).lower()}")
        return int(otherwise)
    return int(said)


def moment(stored: Scalar, *, what: str, warn: Warn, is_required: bool = True) -> str | None:
    """An instant as it is stored, read as UTC; BEGUN with a warning where it is missing or cannot be read.

    None for one that is missing and not required.
    """
    text = "" if stored is None else str(stored).strip()
    if not text and not is_required:
        return None
    try:
        return timestamp(instant(text if _DAY.match(text) else "")[0])
    except ValueError:
        warn("instant_not_kept", f"{what} {'cannot be read' if text else 'is missing'}: it is when the migration began")
        return BEGUN


def whole(stored: Scalar) -> int | None:
    """A number, fractions rounded, halves away from zero; None for what is none, or does not fit 64 bits."""
    try:
        number = Decimal(str(stored).strip())
        rounded = int(number.quantize(Decimal(1), ROUND_HALF_UP)) if number.is_finite() else None
    except InvalidOperation:
        return None
    return rounded if rounded is not None and abs(rounded) < _MOST else None


def text_within(stored: Scalar, most: int, *, what: str, warn: Warn) -> str | None:
    """A text, None for an empty one; cut with a warning where it is longer than `most` characters."""
    text = str(stored if stored is not None else "").strip()
    if len(text) > most:
        warn("text_cut", f"{what} is cut after {most} characters")
    return shortened(text, most) or None


def shortened(text: str, most: int) -> str:
    """A text of at most so many characters, one that was cut ends in an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
