"""From the address of a YouTube channel to the identity that is unique among channels; and moments in query strings."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from urllib.parse import unquote

from lambda_src.errors import InvalidInput
from lambda_src.services.stock_track_record.errors import InvalidChannelUrl
from lambda_src.services.stock_track_record.models import timestamp

IdentityKind = Literal["id", "handle", "custom", "user", "channel_id"]

# Written as one pattern because urllib drops line breaks inside a host and accepts user names and ports.
# The address is kept and shown as it came, so no part of it may hold a control character.
_ADDRESS: Final = re.compile(
    r"(?:https?://)?(?:(?:www|m|music)\.)?youtube\.com/(?P<path>[^?#\x00-\x1f\x7f]*)(?:[?#][^\x00-\x1f\x7f]*)?",
    re.IGNORECASE | re.ASCII,
)
_CHANNEL_ID: Final = re.compile(r"UC[A-Za-z0-9_-]{22}")
_NAME_LIMIT: Final = 100
TEXT_LIMIT: Final = 120
_NAME_MARKS: Final = "_-.·"

_SINCE: Final = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)(?:[Tt ](?P<time>\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)"
    r"(?:(?P<utc>[Zz])|(?P<sign>[+\- ])(?P<hours>\d\d):?(?P<minutes>\d\d)?)?)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class ChannelIdentity:
    """Who a channel is.

    value: what is compared, case-folded for names. name: as typed, for people and for YouTube (user names know case).
    """

    kind: IdentityKind
    value: str
    name: str

    @property
    def text(self) -> str:
        """The canonical `youtube_channel_id`, at most 120 characters: `UC...` itself, else `handle:testchannel`."""
        return self.value if self.kind == "id" else f"{self.kind}:{self.value}"

    @property
    def is_resolved(self) -> bool:
        """Whether this is YouTube's own id rather than a name for it."""
        return self.kind == "id"


def is_resolved(text: str) -> bool:
    """Whether a `youtube_channel_id` is YouTube's own id rather than a name for it."""
    return _CHANNEL_ID.fullmatch(text) is not None


def fold_name(name: str) -> str:
    """The name as it is compared: handles, custom and user names ignore case."""
    return unicodedata.normalize("NFC", name.casefold())


def parse_channel_url(url: str) -> ChannelIdentity:
    """The identity that a channel's address names; what follows the name in the address is ignored.

    Accepts `/@handle`, `/channel/UC...`, `/c/name` and `/user/name` on youtube.com, with or without scheme and with
    `www.`, `m.` or `music.` in front. Raises InvalidChannelUrl for anything else.
    """
    match = _ADDRESS.fullmatch(url.strip())
    if match is None:
        raise InvalidChannelUrl
    first, *rest = match["path"].split("/")
    if {".", ".."} & set(re.split(r"[/\\]", unquote(match["path"]))):  # a browser would go elsewhere
        raise InvalidChannelUrl
    place = _decoded(first)
    if place.startswith("@"):
        return _named("handle", place.removeprefix("@"))
    name = _decoded(rest[0]) if rest else ""
    match place:
        case "channel" if is_resolved(name):
            return ChannelIdentity("id", name, name)
        case "channel":
            return ChannelIdentity("channel_id", _checked(name), name)
        case "c":
            return _named("custom", name)
        case "user":
            return _named("user", name)
        case _:
            raise InvalidChannelUrl


def _named(kind: IdentityKind, name: str) -> ChannelIdentity:
    identity = ChannelIdentity(kind, fold_name(_checked(name)), name)
    if len(identity.text) > TEXT_LIMIT:  # some letters fold into three
        raise InvalidChannelUrl
    return identity


def _decoded(segment: str) -> str:
    try:
        return unicodedata.normalize("NFC", unquote(segment, errors="strict"))
    except UnicodeDecodeError as exc:
        raise InvalidChannelUrl from exc


def _checked(name: str) -> str:
    if not 1 <= len(name) <= _NAME_LIMIT or not all(_is_name_character(character) for character in name):
        raise InvalidChannelUrl
    if not any(character.isalnum() for character in name):
        raise InvalidChannelUrl
    return name


def _is_name_character(character: str) -> bool:
    """A letter or digit of any script. Hindi, Thai and others write vowels as combining marks, category M."""
    category = unicodedata.category(character)
    return category[0] in "LM" or category == "Nd" or character in _NAME_MARKS


def parse_since(text: str) -> str:
    """An ISO 8601 date-time from a query string as timestamp text, floored to the millisecond.

    A date is its first moment, a time without a zone is UTC. A `+` that the query string turned into a space is
    repaired. Raises InvalidInput for anything else, and for times before year 1 or after year 9999 in UTC.
    """
    match = _SINCE.fullmatch(text.strip())
    if match is None:
        raise InvalidInput("since is not an ISO 8601 date-time")
    sign = {" ": "+", None: "+"}.get(match["sign"], match["sign"])
    offset = f"{sign}{match['hours'] or '00'}:{match['minutes'] or '00'}"
    try:
        return timestamp(datetime.fromisoformat(f"{match['date']}T{match['time'] or '00:00'}{offset}"))
    except (ValueError, OverflowError) as exc:
        raise InvalidInput("since is not a time that exists") from exc
