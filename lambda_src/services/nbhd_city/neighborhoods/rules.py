"""Names of neighborhoods, ids, and the parts of the list.

A name is shown as it was written and compared by its folded form, which no two neighborhoods share: `Straße` and
`STRASSE`, full width and composed letters are one name; look-alike letters of different scripts are not.

All neighborhoods share one partition of the list index until `NBHD_LIST_SHARDS` spreads them; a partition takes 1,000
writes and 3,000 reads a second.
"""

import hashlib
import re
import unicodedata
from typing import Final

from lambda_src.services.nbhd_city.errors import InvalidText, NbhdNotFound
from lambda_src.services.nbhd_city.models import NbhdId, Neighborhood

_NBHD_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
UNSHARDED: Final = "neighborhood"
DELETING: Final = "neighborhood_deleting"

MAX_CHARACTERS: Final = 100
MAX_FOLDED_BYTES: Final = 512
_JOINERS: Final = frozenset("\u200c\u200d")  # they shape letters of Persian and the scripts of India
_REFUSED: Final = frozenset({"Cc", "Cs", "Co", "Cn"})  # unassigned ones too: a later Unicode may fold them differently
# Unicode keeps these blocks for pictures, which fold to themselves, those that this Python does not know yet too
_PICTURES: Final = re.compile("[\U0001f300-\U0001faff]")
# https://www.unicode.org/reports/tr51/#Emoji_Tag_Sequences: a black flag and the region in tags, `gbeng` for England
_FLAG: Final = re.compile("(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f)")
# What comes along with a pasted text: byte order mark, soft hyphen, marks and embeddings of direction
_MARKS: Final = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202c\u2060-\u2064\u2066-\u2069\ufeff]")
_SELECTORS: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_FOLD_ROUNDS: Final = 4  # casefold and NFKC feed each other; two rounds are the most that any code point needs


def display_name(name: str) -> str:
    """The name as it is shown: NFC, single spaces. Raises InvalidText when it is empty, too long or unprintable.

    The error names the first code point that a name must not have; people cannot see it.
    """
    shown = _collapse(unicodedata.normalize("NFC", name))
    if not shown:
        raise InvalidText("The name must not be empty")
    if len(shown) > MAX_CHARACTERS:
        raise InvalidText(f"The name must have at most {MAX_CHARACTERS} characters")
    for character in _PICTURES.sub("", _FLAG.sub("", shown)):
        category = unicodedata.category(character)
        if category in _REFUSED or (category == "Cf" and character not in _JOINERS):
            raise InvalidText(
                f"The name must not contain control characters or characters without a shape: U+{ord(character):04X}"
            )
    return shown


def without_marks(name: str) -> tuple[str, list[str]]:
    """A name without marks that nobody sees, and which those were: `["U+FEFF"]`. Raises nothing."""
    return _MARKS.sub("", name), sorted({f"U+{ord(mark):04X}" for mark in _MARKS.findall(name)})


def fold_name(name: str) -> str:
    """The form in which names are compared; folding it again changes nothing.

    Raises InvalidText when nothing is left of the name, or more than 512 bytes.
    """
    folded = unicodedata.normalize("NFKC", name)
    for _ in range(_FOLD_ROUNDS):
        before, folded = folded, _fold_once(folded)
        if folded == before:
            break
    if not folded:
        raise InvalidText("The name must contain visible characters")
    if len(folded.encode()) > MAX_FOLDED_BYTES:
        raise InvalidText("The name is too long")
    return folded


def _fold_once(text: str) -> str:
    text = unicodedata.normalize("NFKC", text.casefold())
    text = "".join(part if _FLAG.fullmatch(part) else _without_format(part) for part in _FLAG.split(text))
    return _collapse(unicodedata.normalize("NFKC", _SELECTORS.sub("", text)))


def _without_format(text: str) -> str:
    return "".join(c for c in text if unicodedata.category(c) != "Cf")


def _collapse(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


# ---- which neighborhood is meant -------------------------------------------------------------------------------------


def valid_nbhd_id(text: str) -> NbhdId:
    """The id in lower case; what cannot be one does not exist: NbhdNotFound without a request."""
    lowered = text.lower()
    if _NBHD_ID.fullmatch(lowered) is None:
        raise NbhdNotFound
    return NbhdId(lowered)


def visible(neighborhood: Neighborhood | None) -> Neighborhood:
    """The neighborhood. Raises NbhdNotFound when there is none or its deletion began."""
    if neighborhood is None or not neighborhood.is_active:
        raise NbhdNotFound
    return neighborhood


# ---- parts of the list -----------------------------------------------------------------------------------------------


def list_partition(nbhd_id: str, shards: int) -> str:
    """The partition of a neighborhood: `neighborhood`, or `neighborhood#03` when there are several."""
    if shards == 1:
        return UNSHARDED
    digest = hashlib.sha256(nbhd_id.encode()).digest()
    return _shard(int.from_bytes(digest[:4], "big") % shards)


def list_partitions(shards: int, *, with_unsharded: bool = False) -> tuple[str, ...]:
    if shards == 1:
        return (UNSHARDED,)
    return (*map(_shard, range(shards)), *([UNSHARDED] if with_unsharded else []))


def _shard(number: int) -> str:
    return f"{UNSHARDED}#{number:02d}"
