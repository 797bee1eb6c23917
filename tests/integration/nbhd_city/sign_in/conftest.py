"""Somebody signs in: `house` is the service in one process, the stand-in of BlueSky, and a table."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lambda_src.services.nbhd_city.tables import TABLES
from tests.support.sign_in import SignInHouse

type MakeHouse = Callable[..., SignInHouse]


@pytest.fixture
def make_house(dynamodb_client, make_tables) -> Iterator[MakeHouse]:
    """`make_house(profile="basic")`; further options are settings by name."""
    made: list[SignInHouse] = []

    def make(**options: Any) -> SignInHouse:
        made.append(SignInHouse(client=dynamodb_client, names=make_tables(TABLES), **options))
        return made[-1]

    yield make
    for house in made:
        house.stop()


@pytest.fixture
def house(make_house: MakeHouse) -> SignInHouse:
    """In profile `atproto`, with everything in order."""
    return make_house()
