"""Models of users, and what an address is."""

import re
from dataclasses import dataclass
from typing import Annotated, Final

from lambda_src.dynamo.codec import Stored
from lambda_src.errors import InvalidInput
from lambda_src.runtime.accounts.refresh import SignIn
from lambda_src.services.algoitny.models.stored import CreatedAt, UpdatedAt, UserId

MAX_EMAIL: Final = 254
MAX_NAME: Final = 255
_EMAIL: Final = re.compile(r"[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+")


def normalised_email(text: str) -> str:
    """An address as accounts are found by it."""
    return text.strip().lower()


def valid_email(text: str) -> str:
    """The same, of what is one. Raises InvalidInput."""
    address = normalised_email(text)
    if len(address) > MAX_EMAIL or _EMAIL.fullmatch(address) is None:
        raise InvalidInput("This is not an e-mail address")
    return address


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account, in GSI1 by its address. token_version: raised by what shall void all tokens so far."""

    user_id: int
    email: Annotated[str, Stored("em")]
    subscription_plan_id: Annotated[int, Stored("plan")]
    created_at: CreatedAt
    updated_at: UpdatedAt
    name: Annotated[str, Stored("nm")] = ""
    picture: Annotated[str, Stored("pic")] = ""
    google_id: Annotated[str | None, Stored("gid")] = None
    is_active: Annotated[bool, Stored("act")] = True
    is_staff: Annotated[bool, Stored("stf")] = False
    privacy_agreed_at: Annotated[int | None, Stored("pra")] = None
    terms_agreed_at: Annotated[int | None, Stored("tra")] = None
    code_ownership_agreed_at: Annotated[int | None, Stored("coa")] = None
    last_login_at: Annotated[int | None, Stored("llg")] = None
    token_version: Annotated[int, Stored("tkv")] = 0

    @property
    def all_consents_given(self) -> bool:
        return None not in (self.privacy_agreed_at, self.terms_agreed_at, self.code_ownership_agreed_at)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. is_admin: by the account, or by its address in the secret, as of now."""

    user: User
    is_admin: bool

    @property
    def user_id(self) -> int:
        return self.user.user_id


@dataclass(frozen=True, slots=True)
class UserEntry:
    """A user as the list of users knows one."""

    user_id: int
    created_at: int


@dataclass(frozen=True, slots=True)
class EmailGuard:
    """Whose an e-mail address is."""

    email: str
    user_id: UserId
    created_at: CreatedAt


@dataclass(frozen=True, slots=True)
class GoogleGuard:
    """Whose a Google account is; in GSI1, where its user has the address and so no room for this."""

    google_id: str
    user_id: UserId
    created_at: CreatedAt


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSignIn(SignIn):
    """A sign-in that lasts, by the id of its user."""

    user_id: int


@dataclass(frozen=True, slots=True)
class Counter:
    """The newest id of users or plans that was drawn."""

    name: str
    value: Annotated[int, Stored("val")] = 0
