"""The service over a fresh table: `nbhd_house()` makes one, with settings by name."""

from collections.abc import Iterator

import pytest

from lambda_src.dynamo.client import make_client
from lambda_src.services.nbhd_city.tables import TABLES
from tests.support.nbhd_city import MakeNbhdHouse, houses


@pytest.fixture
def nbhd_house(dynamodb_client, make_tables) -> Iterator[MakeNbhdHouse]:
    """See `houses`."""
    with houses(dynamodb_client, lambda: make_tables(TABLES)) as make:
        yield make


@pytest.fixture
def own_client(dynamodb_endpoint):
    """A client of one test alone, whose calls it may disturb."""
    client = make_client(region="us-east-1", endpoint_url=dynamodb_endpoint, read_timeout_seconds=30)
    yield client
    client.close()
