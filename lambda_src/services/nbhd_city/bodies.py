"""What request and answer bodies share, and the rules for what people write, all of which raise InvalidText."""

import re
import unicodedata
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import Query
from pydantic import BaseModel, Field

from lambda_src.services.nbhd_city.errors import InvalidText

type Limit = Annotated[int, Query(ge=1, le=100)]
type Cursor = Annotated[str | None, Query(description="Of the page before")]
type Timestamp = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")]


class MessageBody(BaseModel):
    message: str


MAX_DESCRIPTION: Final = 1000
MAX_DISPLAY_NAME: Final = 64
MAX_BIO: Final = 500
MAX_LOCATION: Final = 100
MAX_AVATAR: Final = 2048
MAX_EMAIL: Final = 254

# What browsers accept: https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address, with a dot in the domain
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL: Final = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})+")
# https://atproto.com/specs/handle and https://atproto.com/specs/did: what an authorization server takes for an account
_HANDLE_OR_DID: Final = re.compile(
    rf"(?:{_LABEL}\.)+[A-Za-z](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?|did:plc:[a-z2-7]{{24}}|did:web:(?:{_LABEL}\.)+{_LABEL}"
)
_UNPRINTABLE: Final = re.compile(r"[\s\x00-\x1f\x7f]")


def description(text: str | None) -> str:
    """NFC without white space at its end; None is empty."""
    return _limited(description_of_any_length(text), MAX_DESCRIPTION)


def description_of_any_length(text: str | None) -> str:
    """The same without the limit, which descriptions older than it may exceed. Raises nothing."""
    return unicodedata.normalize("NFC", (text or "").rstrip())


def display_name(text: str) -> str:
    """Of a user; empty means the handle."""
    return _limited(text.strip(), MAX_DISPLAY_NAME)


def bio(text: str) -> str:
    return _limited(text.strip(), MAX_BIO)


def location(text: str) -> str:
    return _limited(text.strip(), MAX_LOCATION)


def avatar(text: str) -> str:
    """Address of a picture, `https` only; empty for none."""
    address = _limited(text.strip(), MAX_AVATAR)
    try:
        parts = urlsplit(address)
        has_host = bool(parts.hostname)
    except ValueError as exc:
        raise InvalidText("This is not an address") from exc
    if address and (parts.scheme != "https" or not has_host or _UNPRINTABLE.search(address)):
        raise InvalidText("This is not an address that begins with https://")
    return address


def email(text: str) -> str:
    """An e-mail address; empty for none."""
    address = _limited(text.strip(), MAX_EMAIL)
    if address and _EMAIL.fullmatch(address) is None:
        raise InvalidText("This is not an e-mail address")
    return address


def handle(text: str) -> str:
    """A handle or DID out of what somebody pasted, `@` and marks of direction around it; empty for none."""
    seen = "".join(c for c in text if unicodedata.category(c) != "Cf").strip().removeprefix("@").strip()
    if seen and _HANDLE_OR_DID.fullmatch(seen) is None:
        raise InvalidText("This is not a handle, like alice.bsky.social")
    return seen.lower()


def _limited(text: str, limit: int) -> str:
    normal = unicodedata.normalize("NFC", text)
    if len(normal) > limit:
        raise InvalidText(f"At most {limit} characters")
    if "\0" in normal:  # the one character that PostgreSQL could not hold, nor could an export to it
        raise InvalidText("This text holds a NUL character")
    try:
        normal.encode()
    except UnicodeEncodeError as exc:  # half of a surrogate pair: JSON can carry it, UTF-8 cannot
        raise InvalidText("This is not valid Unicode text") from exc
    return normal
