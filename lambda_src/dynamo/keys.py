"""Keys of items: built from values, taken apart again, never forged by what a user typed.

`#` separates the parts of a key, so a value may not contain it: `%`, `#` and control characters become `%XX`. All else
stays as it is, which keeps keys readable (`handle:testchannel`, `BRK.B`) and, for values of a fixed width such as
times and padded numbers, keeps text order true order. A key that is one value alone has no parts: it is the value.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from string import Formatter
from typing import Final

from lambda_src.errors import InvalidKey

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-partition-sort-keys
PARTITION_KEY_BYTES: Final = 2048
SORT_KEY_BYTES: Final = 1024

_ESCAPES: Final = str.maketrans({chr(code): f"%{code:02X}" for code in (*range(0x20), ord("#"), ord("%"), 0x7F)})
_ESCAPED: Final = r"%(?:[01][0-9A-F]|2[35]|7F)"
_VALUE: Final = rf"(?:[^#%\x00-\x1f\x7f]|{_ESCAPED})+"


type KeyValue = str | int
"""What a key is built from; numbers need a width in the template to keep their order."""


def escape(value: KeyValue) -> str:
    """A value as it stands in a key; `unescape` is its inverse."""
    return str(value).translate(_ESCAPES)


def unescape(text: str) -> str:
    """The value behind a part of a key."""
    return re.sub(_ESCAPED, lambda match: chr(int(match[0][1:], 16)), text)


def number_text(value: int, width: int) -> str:
    """A number in a key, padded with zeros so that text order is number order.

    Raises InvalidKey when it is negative or has more than `width` digits.
    """
    text = f"{value:0{width}d}"
    if value < 0 or len(text) > width:
        raise InvalidKey(f"The number must be between 0 and {10**width - 1}")
    return text


@dataclass(frozen=True, slots=True)
class KeyTemplate:
    """The shape of a key: `KeyTemplate("MENTION#{ticker}#{published_at}")`. Without fields it is a constant.

    `{number:6}` pads a whole number with zeros to six digits. limit_bytes: of the finished key in UTF-8; None means
    what its place allows: 2048 for a partition key, otherwise 1024, the limit of a sort key.
    """

    text: str
    limit_bytes: int | None = None
    fields: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _literals: tuple[str, ...] = field(init=False, repr=False, compare=False)  # before, between and after the fields
    _widths: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        literals, fields, widths = [""], [], {}
        for literal, name, width, _ in Formatter().parse(self.text):
            literals[-1] += literal
            if name is not None:
                fields.append(name)
                literals.append("")
                if width:
                    widths[name] = int(width)
        if not self.text or not all(name.isidentifier() for name in fields) or len(set(fields)) < len(fields):
            raise ValueError(f"key template {self.text!r} needs text, and names that are not repeated")
        if not all("#" in between for between in literals[1:-1]):
            raise ValueError(f"key template {self.text!r} needs # between its fields, or it could not be taken apart")
        object.__setattr__(self, "fields", tuple(fields))
        object.__setattr__(self, "_literals", tuple(literals))
        object.__setattr__(self, "_widths", widths)

    def limited(self, limit_bytes: int) -> "KeyTemplate":
        """The same with the limit of its place, unless it has one. Raises ValueError when that one is higher."""
        if (self.limit_bytes or 0) > limit_bytes:
            raise ValueError(f"key template {self.text!r} promises more than the {limit_bytes} bytes of its place")
        return self if self.limit_bytes is not None else replace(self, limit_bytes=limit_bytes)

    def build(self, **values: KeyValue) -> str:
        """The finished key. Raises InvalidKey when a value is empty or the key is longer than its limit."""
        self._refuse_unknown(values)
        missing = [name for name in self.fields if name not in values]
        if missing:
            raise TypeError(f"key template {self.text!r} lacks {', '.join(missing)}")
        return self._checked(self._join(values, len(self.fields)))

    def prefix(self, **values: KeyValue) -> str:
        """The key up to the first field that is not given, for `begins_with`. Raises InvalidKey like `build`."""
        self._refuse_unknown(values)
        given = next((index for index, name in enumerate(self.fields) if name not in values), len(self.fields))
        if given < len(values):
            raise TypeError(f"key template {self.text!r} needs {self.fields[given]} before what follows it")
        return self._checked(self._join(values, given))

    def beginning(self, name: str, /, **values: KeyValue) -> str:
        """The key up to where a field goes on whose value is a beginning only, for `begins_with`.

        Raises InvalidKey like `build`, TypeError unless all fields before it are given and none behind it.
        """
        place = self.fields.index(name)
        if values.keys() != set(self.fields[: place + 1]):
            raise TypeError(f"key template {self.text!r} needs what stands before {name}, and nothing behind it")
        return self._checked(self._join(values, place) + self._write(values[name]))

    def pads(self, name: str) -> bool:
        """Whether a field is a number of a fixed width."""
        return name in self._widths

    def parse(self, text: str) -> dict[str, str]:
        """The values a key was built from. Raises ValueError when it has another shape."""
        if self._is_value and text:
            return {self.fields[0]: text}
        match = _shape(self._literals).fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is no key of the shape {self.text!r}")
        return {name: unescape(part) for name, part in zip(self.fields, match.groups(), strict=True)}

    def fits(self, text: str) -> bool:
        """Whether a key begins, and for a constant ends, as this one does: enough to tell kinds of items apart."""
        return text.startswith(self._literals[0]) if self.fields else text == self._literals[0]

    @property
    def _is_value(self) -> bool:
        return self._literals == ("", "")

    def _write(self, value: KeyValue) -> str:
        return str(value) if self._is_value else escape(value)

    def _join(self, values: Mapping[str, KeyValue], count: int) -> str:
        parts = [self._literals[0]]
        for name, literal in zip(self.fields[:count], self._literals[1:], strict=False):
            value, width = values[name], self._widths.get(name)
            text = self._write(value) if width is None else number_text(int(value), width)
            if not text:
                raise InvalidKey(f"{name} must not be empty")
            parts += (text, literal)
        return "".join(parts)

    def _checked(self, key: str) -> str:
        try:
            size_bytes = len(key.encode())
        except UnicodeEncodeError as exc:  # half of a surrogate pair: JSON can carry it, UTF-8 cannot
            raise InvalidKey("A value is not valid Unicode text") from exc
        if size_bytes > (self.limit_bytes or SORT_KEY_BYTES):
            raise InvalidKey("A value is too long")
        return key

    def _refuse_unknown(self, values: Mapping[str, KeyValue]) -> None:
        unknown = values.keys() - set(self.fields)
        if unknown:
            raise TypeError(f"key template {self.text!r} knows no {', '.join(sorted(unknown))}")


@cache
def _shape(literals: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(f"({_VALUE})".join(map(re.escape, literals)))
