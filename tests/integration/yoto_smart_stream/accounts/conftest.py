"""Accounts as they are stored, and somebody who comes in between."""

from collections.abc import Iterator

import pytest

from lambda_src.services.yoto_smart_stream.accounts.repository import UserRepository
from tests.support.yoto_accounts import Overtaken, check_accounts, users_of
from tests.support.yoto_smart_stream import PlayedHouse


@pytest.fixture
def house(new_house) -> Iterator[PlayedHouse]:
    """Every test leaves accounts that agree with their claims and with the guard."""
    house = new_house()
    yield house
    check_accounts(house)


@pytest.fixture
def users(house) -> UserRepository:
    return users_of(house)


@pytest.fixture
def overtaken(dynamodb_client) -> Overtaken:
    return Overtaken(dynamodb_client)
