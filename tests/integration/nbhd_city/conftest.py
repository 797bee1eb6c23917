"""The service over a fresh table: `nbhd_house()` makes one, with settings by name."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lambda_src.dynamo.client import make_client
from lambda_src.services.nbhd_city.tables import TABLES
from tests.support.nbhd_city import NbhdHouse

type MakeNbhdHouse = Callable[..., NbhdHouse]


@pytest.fixture
def nbhd_house(dynamodb_client, make_tables) -> Iterator[MakeNbhdHouse]:
    """`nbhd_house(clock=..., nbhd_list_shards=8)`: every part has a default.

    `nbhd_house(names=other.names)` is one more process over the table of another.
    """
    made: list[NbhdHouse] = []

    def make(**options: Any) -> NbhdHouse:
        names = options.pop("names", None) or make_tables(TABLES)
        made.append(NbhdHouse(**{"client": dynamodb_client, "names": names, **options}))
        return made[-1]

    yield make
    for house in made:
        house.stop()


@pytest.fixture
def own_client(dynamodb_endpoint):
    """A client of one test alone, whose calls it may disturb."""
    client = make_client(region="us-east-1", endpoint_url=dynamodb_endpoint, read_timeout_seconds=30)
    yield client
    client.close()
