"""What an item says, in 32 characters: equal items have equal digests, however DynamoDB spells their numbers."""

import json
from base64 import b64encode
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final

from lambda_src.dynamo.values import AttributeValue, Item
from lambda_src.migration.mapping import MARK

_DIGEST_BYTES: Final = 16
_ENCODER: Final = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))

type WireItem = Mapping[str, AttributeValue]
"""An item as DynamoDB sends and takes it: `{"PK": {"S": "..."}, ...}`."""


def digest(item: WireItem) -> str:
    """The digest of an item without its mark."""
    # most values are texts, and there are many
    plain = {name: value if "S" in value else _plain(value) for name, value in item.items() if name != MARK}
    return blake2b(_ENCODER.encode(plain).encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).hexdigest()


def marked(item: WireItem, migration_id: str) -> dict[str, AttributeValue]:
    """The item with its mark."""
    return {**item, MARK: {"S": f"{migration_id}:{digest(item)}"}}


def unmarked(item: WireItem) -> dict[str, AttributeValue]:
    """The item without its mark."""
    return {name: value for name, value in item.items() if name != MARK}


def unequal(stored: Item, wanted: Item) -> dict[str, tuple[object, object]]:
    """The attributes in which two items differ besides their marks, as (stored, wanted)."""
    names = sorted((stored.keys() | wanted.keys()) - {MARK})
    return {name: (stored.get(name), wanted.get(name)) for name in names if stored.get(name) != wanted.get(name)}


def veiled(item: Item, confidential: Collection[str]) -> Item:
    """The item as people may see it: confidential values only as something that is equal for equal ones."""
    return {name: _veiled(value) if name in confidential else value for name, value in item.items()}


def _veiled(value: object) -> object:
    return None if value is None else f"(confidential, {blake2b(repr(value).encode(), digest_size=4).hexdigest()})"


def is_ours(item: WireItem, migration_id: str) -> bool:
    """Whether this migration wrote the item, be it changed since or not."""
    return _mark(item).partition(":")[0] == migration_id


def is_untouched(item: WireItem, migration_id: str) -> bool:
    """Whether this migration wrote the item and nobody changed it since."""
    return _mark(item) == f"{migration_id}:{digest(item)}"


def _mark(item: WireItem) -> str:
    text = item.get(MARK, {}).get("S", "")
    return text if isinstance(text, str) else ""


def _plain(value: AttributeValue) -> Any:
    """A value in a form that is equal for equal values: sets sorted, numbers without padding."""
    [(kind, content)] = value.items()
    plain = _PLAIN.get(kind)
    return value if plain is None else {kind: plain(content)}


def _number(text: str) -> str:
    """`1.50`, `1.5` and `15e-1` are one number."""
    if text.isdecimal() and (text == "0" or text[0] != "0"):
        return text
    number = Decimal(text)
    return "0" if not number else f"{number.normalize():f}"


def _binary(content: bytes) -> str:
    return b64encode(content).decode()


_PLAIN: Final[Mapping[str, Callable[[Any], Any]]] = {
    "N": _number,
    "B": _binary,
    "SS": sorted,
    "NS": lambda texts: sorted(map(_number, texts)),
    "BS": lambda parts: sorted(map(_binary, parts)),
    "L": lambda values: [_plain(value) for value in values],
    "M": lambda attributes: {name: _plain(value) for name, value in attributes.items()},
}
