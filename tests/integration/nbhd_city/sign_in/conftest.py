"""Somebody signs in: `city` is the service in one process, the stand-in of BlueSky, and a table."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lambda_src.services.nbhd_city.tables import TABLES
from tests.support.sign_in import PlayedSignIn

type MakeSignIn = Callable[..., PlayedSignIn]


@pytest.fixture
def make_city(dynamodb_client, make_tables) -> Iterator[MakeSignIn]:
    """`make_city(profile="basic")`; further options are settings by name."""
    made: list[PlayedSignIn] = []

    def make(**options: Any) -> PlayedSignIn:
        made.append(PlayedSignIn(client=dynamodb_client, names=make_tables(TABLES), **options))
        return made[-1]

    yield make
    for city in made:
        city.stop()


@pytest.fixture
def city(make_city: MakeSignIn) -> PlayedSignIn:
    """In profile `atproto`, with everything in order."""
    return make_city()
