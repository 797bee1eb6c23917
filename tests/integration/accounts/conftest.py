"""Accounts on a fresh table: a store whose requests are counted, and the refresh tokens of two services."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.meter import Usage, UsageMeter
from lambda_src.dynamo.schema import ItemKey
from lambda_src.dynamo.store import Put, Store
from lambda_src.dynamo.values import from_item, to_key
from lambda_src.errors import AppError
from lambda_src.runtime.accounts.refresh import Lifetimes, RefreshTokens
from lambda_src.runtime.accounts.throttle import Limit, SignInThrottle
from lambda_src.runtime.bearer import unchanged_account
from lambda_src.runtime.tokens import IssuedToken
from lambda_src.signing import SigningKey
from tests.integration.conftest import MakeTables
from tests.support.dynamodb_faults import Faults
from tests.support.played import TestClock
from tests.support.racing import Meeting
from tests.support.sample_accounts import ACCOUNTS, KEEP_USER, SIGN_INS, THROTTLES, USER, USER_BY_NAME, SignIn, User

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

DAY = 86_400
LIFETIMES = Lifetimes(14 * DAY, 30 * DAY)
ADA = User(name="ada", user_id=7)


class Ring:
    """Keys that a test replaces. The last one signs."""

    def __init__(self) -> None:
        self.keys = [SigningKey("k1", secrets.token_bytes(32))]

    def current(self) -> SigningKey:
        return self.keys[-1]

    def find(self, key_id: str) -> SigningKey | None:
        return next((key for key in self.keys if key.id == key_id), None)


@dataclass
class Accounts:
    """Users, their sign-ins, and what it costs."""

    client: "DynamoDBClient"
    names: Any
    clock: TestClock = field(default_factory=TestClock)
    ring: Ring = field(default_factory=Ring)

    def __post_init__(self) -> None:
        self.meeting = Meeting(Boto3Client(self.client))
        self.faults = Faults(self.meeting)
        self.meter = UsageMeter(self.faults)
        self.store = Store(self.meter, self.names, sleep=lambda _: None)
        self.keep(ADA)

    def keep(self, user: User) -> None:
        self.store.put(KEEP_USER, Put(USER, user))

    def tokens(self, *, grace_seconds: int = 0) -> RefreshTokens[SignIn]:
        lifetimes = LIFETIMES._replace(grace_seconds=grace_seconds)
        return RefreshTokens(self.store, SIGN_INS, self.ring, lifetimes, self.clock)

    def throttle(self, **limits: Limit) -> SignInThrottle:
        return SignInThrottle(self.store, THROTTLES, lambda: self.clock().timestamp(), **limits)

    def account(self, found: SignIn) -> User:
        return unchanged_account(self.store.get(USER_BY_NAME, name=found.name), found.token_version)

    def refreshed(self, tokens: RefreshTokens[SignIn], token: IssuedToken | str) -> IssuedToken:
        """The token that takes the place of one."""
        text = token if isinstance(token, str) else token.text
        user, issued = tokens.refresh(text, self.account)
        assert user == ADA
        return issued

    def code(self, tokens: RefreshTokens[SignIn], token: IssuedToken | str) -> str:
        """What becomes of a refresh: "ok", or the code of its refusal."""
        try:
            self.refreshed(tokens, token)
        except AppError as error:
            return error.code
        return "ok"

    def item(self, key: ItemKey) -> dict[str, Any] | None:
        """An item as it is stored."""
        answer = self.client.get_item(TableName=self.names[ACCOUNTS.name], Key=to_key(key.values), ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None

    def sign_in(self, token: IssuedToken | str) -> dict[str, Any] | None:
        """The item of a token's sign-in, as it is stored."""
        text = token if isinstance(token, str) else token.text
        return self.item(SIGN_INS.entity.key(signin_id=text.partition(".")[0]))

    def used(self, call: Callable[[], object]) -> Usage:
        """What a call takes of DynamoDB."""
        before = self.meter.snapshot()
        call()
        return self.meter.since(before)


@pytest.fixture
def accounts(dynamodb_client: "DynamoDBClient", make_tables: MakeTables) -> Accounts:
    return Accounts(dynamodb_client, make_tables([ACCOUNTS]))
