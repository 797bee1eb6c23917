"""Models of nbhd.city: plain frozen values. How they are stored stands in `tables.py`.

Times are 27-character UTC text (`2025-01-15T08:30:00.123456Z`), which sorts as time.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NewType

from lambda_src.runtime.clock import utc_text

NbhdId = NewType("NbhdId", str)
"""A UUID in lower case."""
Did = NewType("Did", str)
"""A decentralized identifier, https://www.w3.org/TR/did-core/: who a user is, for good."""

INVALID_HANDLE: Final = "handle.invalid"
"""What BlueSky itself calls a handle that cannot be verified."""

TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
MAX_DID_CHARACTERS: Final = 255
_DID: Final = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]*[A-Za-z0-9._-]")  # https://atproto.com/specs/did


def is_did(text: str) -> bool:
    return len(text) <= MAX_DID_CHARACTERS and _DID.fullmatch(text) is not None


def timestamp(instant: datetime) -> str:
    """A time as it is stored and answered."""
    return utc_text(instant, "microseconds")


@dataclass(frozen=True, slots=True)
class Neighborhood:
    """A community. members_rev counts joins and leaves, so that a recount notices one that came between.

    entity_type: its part of the list. name_lower: the folded name; a neighborhood that is being deleted has none.
    """

    id: NbhdId
    name: str
    created_by: Did
    created_at: str
    updated_at: str
    name_lower: str = ""
    description: str = ""
    member_count: int = 1
    members_rev: int = 1
    status: Literal["active", "deleting"] = "active"
    entity_type: str = "neighborhood"
    deleted_at: str | None = None

    @property
    def is_active(self) -> bool:
        """It can be seen and joined; the purge of one that is not is under way."""
        return self.status == "active"


@dataclass(frozen=True, slots=True)
class NameClaim:
    """The neighborhood that has a name."""

    name_lower: str
    nbhd_id: NbhdId


@dataclass(frozen=True, slots=True)
class Membership:
    user_id: Did
    neighborhood_id: NbhdId
    joined_at: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What a user told of themselves. email is for its owner's eyes only."""

    user_id: Did
    handle: str
    created_at: str
    updated_at: str
    display_name: str = ""  # empty: the handle
    avatar: str | None = None
    bio: str = ""
    location: str = ""
    email: str = ""

    @property
    def shown_name(self) -> str:
        """The display name; the handle where none was chosen."""
        return self.display_name or self.handle


@dataclass(frozen=True, slots=True)
class Probe:
    """An item that nobody has: asking for it shows that the table answers."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody was proven to be. handle: as verified by BlueSky, None where it could not be asked."""

    did: Did
    handle: str | None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who sent a request, by its access token. expires_at: epoch seconds."""

    did: Did
    handle: str | None
    expires_at: int


@dataclass(frozen=True, slots=True)
class OAuthState:
    """A sign-in under way. dpop_jwk: a private key as JSON; with dpop_nonce only in profile `atproto`."""

    state_digest: str
    code_verifier: str
    browser_hash: str
    return_origin: str
    issuer: str
    issued_at: str
    expires_at: int
    dpop_jwk: str | None = None
    dpop_nonce: str | None = None


@dataclass(frozen=True, slots=True)
class LoginCode:
    """A finished sign-in that waits to be picked up. expires_at: epoch seconds."""

    code_digest: str
    user_id: Did
    expires_at: int
    handle: str | None = None


@dataclass(frozen=True, slots=True)
class LiveProfile:
    """A profile as BlueSky shows it now, under BlueSky's own names."""

    did: Did
    handle: str
    displayName: str | None = None  # noqa: N815
    description: str | None = None
    avatar: str | None = None
    banner: str | None = None
    followersCount: int = 0  # noqa: N815
    followsCount: int = 0  # noqa: N815
    postsCount: int = 0  # noqa: N815
