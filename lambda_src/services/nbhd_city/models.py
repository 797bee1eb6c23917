"""Models of nbhd.city: plain frozen values. `from_item` reads a stored item; who writes one stands in `repository`.

Times are 27-character UTC text (`2025-01-15T08:30:00.123456Z`), which sorts as time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NewType

NbhdId = NewType("NbhdId", str)
"""A UUID in lower case."""
Did = NewType("Did", str)
"""A decentralized identifier, https://www.w3.org/TR/did-core/."""

INVALID_HANDLE = "handle.invalid"
"""What BlueSky itself calls a handle that cannot be verified."""

Item = Mapping[str, Any]  # a stored item, as the table layer reads it


@dataclass(frozen=True, slots=True)
class Neighborhood:
    """A community. members_rev counts joins and leaves, so that a recount notices that it was overtaken."""

    id: NbhdId
    name: str
    name_lower: str
    created_by: Did
    created_at: str
    updated_at: str
    description: str = ""
    member_count: int = 1
    members_rev: int = 1
    status: Literal["active", "deleting"] = "active"
    entity_type: str = "neighborhood"
    deleted_at: str | None = None

    @classmethod
    def from_item(cls, item: Item) -> "Neighborhood":
        return cls(
            id=item["id"],
            name=item["name"],
            name_lower=item.get("name_lower", ""),
            created_by=item["created_by"],
            created_at=item["created_at"],
            updated_at=item["updated_at"],
            description=item.get("description", ""),
            member_count=item["member_count"],
            members_rev=item["members_rev"],
            status=item["status"],
            entity_type=item["entity_type"],
            deleted_at=item.get("deleted_at"),
        )

    @property
    def is_active(self) -> bool:
        """It can be seen and joined; the purge of one that is not is under way."""
        return self.status == "active"


@dataclass(frozen=True, slots=True)
class Membership:
    """Somebody is in a neighborhood."""

    user_id: Did
    neighborhood_id: NbhdId
    joined_at: str

    @classmethod
    def from_item(cls, item: Item) -> "Membership":
        return cls(user_id=item["user_id"], neighborhood_id=item["neighborhood_id"], joined_at=item["joined_at"])


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

    @classmethod
    def from_item(cls, item: Item) -> "Profile":
        return cls(
            user_id=item["user_id"],
            handle=item["handle"],
            created_at=item["created_at"],
            updated_at=item["updated_at"],
            display_name=item.get("display_name", ""),
            avatar=item.get("avatar"),
            bio=item.get("bio", ""),
            location=item.get("location", ""),
            email=item.get("email", ""),
        )

    @property
    def shown_name(self) -> str:
        """The display name; the handle where none was chosen."""
        return self.display_name or self.handle


@dataclass(frozen=True, slots=True)
class Page[T]:
    """One page of a list. next_cursor: None after the last."""

    items: list[T]
    next_cursor: str | None


# ---- sign-in -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody was proven to be. handle: as verified by BlueSky, None where it could not be asked."""

    did: Did
    handle: str | None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, by its access token. expires_at: epoch seconds."""

    did: Did
    handle: str | None
    expires_at: int


@dataclass(frozen=True, slots=True)
class OAuthState:
    """A sign-in under way. dpop_jwk: a private key as JSON; with dpop_nonce only in profile `atproto`."""

    code_verifier: str
    browser_hash: str
    return_origin: str
    issuer: str
    issued_at: str
    expires_at: int
    dpop_jwk: str | None = None
    dpop_nonce: str | None = None


@dataclass(frozen=True, slots=True)
class LiveProfile:
    """A profile as BlueSky shows it now."""

    did: Did
    handle: str
    display_name: str | None = None
    description: str | None = None
    avatar: str | None = None
    banner: str | None = None
    followers_count: int = 0
    follows_count: int = 0
    posts_count: int = 0
