"""Accounts of Yoto Smart Stream in a test: passwords that are right, requests without an account, what has to agree."""

from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import httpx
from argon2.low_level import Type, hash_secret

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.client import Response
from lambda_src.dynamo.values import Request
from lambda_src.runtime.accounts.passwords import NEW, Cost
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.accounts.repository import UserRepository
from lambda_src.services.yoto_smart_stream.accounts.service import AccountService
from lambda_src.services.yoto_smart_stream.models import UserRecord
from tests.support.yoto_smart_stream import PlayedHouse

PASSWORD: Final = "four quiet green lamps"
OTHER_PASSWORD: Final = "seven loud yellow doors"

type Told = tuple[int, str | None]
"""Status and code of an answer."""


@cache
def phc(password: str, cost: Cost = NEW) -> str:
    """A hash as the product of now, or of before, stores it."""
    hashed = hash_secret(
        password.encode(), b"saltsaltsaltsalt", cost.passes, cost.memory_kib, cost.lanes, 32, Type.ID, 19
    )
    return hashed.decode()


def users_of(house: PlayedHouse) -> UserRepository:
    return house.part(AccountService).users


def told(answer: httpx.Response) -> Told:
    return answer.status_code, answer.json().get("code") if answer.content else None


def log_in(house: PlayedHouse, username: str, password: str = PASSWORD) -> httpx.Response:
    return house.api.post("/api/user/login", json={"username": username, "password": password})


def refresh(house: PlayedHouse, token: str) -> httpx.Response:
    return house.api.post("/api/user/refresh", json={"refresh_token": token})


def me(house: PlayedHouse, access_token: str) -> httpx.Response:
    return house.api.get("/api/user/me", headers={"Authorization": f"Bearer {access_token}"})


def keys_of(house: PlayedHouse) -> set[tuple[str, str]]:
    return {(item["PK"], item["SK"]) for item in house.items()}


def stored_users(house: PlayedHouse) -> list[UserRecord]:
    return [tables.USER.model(item) for item in house.items() if item["SK"] == "PROFILE"]


def check_accounts(house: PlayedHouse) -> None:
    """Profiles, claims and the count of administrators say the same."""
    users, items = stored_users(house), house.items()
    id_claims = {item["PK"]: item for item in items if item["PK"].startswith("USERID#")}
    addresses = {item["PK"]: (item["user_id"], item["username_key"]) for item in items if item["PK"][:6] == "EMAIL#"}
    assert max(Counter(user.user_id for user in users).values(), default=1) == 1
    assert {key: item["username_key"] for key, item in id_claims.items() if "deleted_at" not in item} == {
        f"USERID#{user.user_id}": user.username_key for user in users
    }
    assert addresses == {
        tables.EMAIL_CLAIM.key(email_key=user.email_key).values["PK"]: (user.user_id, user.username_key)
        for user in users
        if user.email_key is not None
    }
    assert users_of(house).count_admins() == sum(user.counts_as_admin for user in users)


def without_id(answer: httpx.Response) -> dict[str, Any]:
    """What an error answer says beside the id of its request."""
    return {name: value for name, value in answer.json().items() if name != "request_id"}


class Overtaken(Boto3Client):
    """A client before whose next request of a pattern something else happens."""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self._waiting: dict[str, Callable[[], object]] = {}

    def before(self, pattern: str, action: Callable[[], object]) -> None:
        self._waiting[pattern] = action

    def call(self, operation: str, request: Request, pattern: str) -> Response:
        action = self._waiting.pop(pattern, None)
        if action is not None:
            action()
        return super().call(operation, request, pattern)
