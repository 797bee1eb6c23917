"""A small table of users, their sign-ins and the failures of those who guess, for tests of accounts."""

from dataclasses import dataclass
from typing import Final

from lambda_src.dynamo.schema import AccessPattern, Entity, Stored, Table
from lambda_src.runtime.accounts import refresh
from lambda_src.runtime.accounts.refresh import sign_in_patterns
from lambda_src.runtime.accounts.throttle import throttle_patterns

API: Final = "api"

ACCOUNTS: Final = Table(
    "accounts",
    base_name="Sample-Accounts",
    environment_variable="ACCOUNTS_TABLE_NAME",
    partition="PK",
    sort="SK",
    ttl="ttl",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    name: str
    user_id: int
    token_version: int = 0
    is_active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn(refresh.SignIn):
    name: str
    user_id: int
    client_name: str | None = None


USER: Final = Entity(ACCOUNTS, User, pk="USER#{name}", sk="PROFILE")
USER_BY_NAME: Final = AccessPattern(
    "user_by_name",
    "Who is this?",
    operation="GetItem",
    reads=USER,
    consistent=True,
    asked_by=(API,),
    cost="1 request; 1 RRU consistent",
)
KEEP_USER: Final = AccessPattern(
    "keep_user", "Write a user", operation="PutItem", writes=USER, asked_by=(API,), cost="1 request; 1 WRU"
)
SIGN_INS: Final = sign_in_patterns(
    ACCOUNTS, SignIn, pk="SIGNIN#{signin_id}", sk="TOKEN", asked_by=(API,), stored={"client_name": Stored("cli")}
)
THROTTLES: Final = throttle_patterns(ACCOUNTS, pk="THROTTLE#{digest}", sk="LOGIN", asked_by=(API,))
