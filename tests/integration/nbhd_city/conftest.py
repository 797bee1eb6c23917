"""The service over a fresh table: `new_city()` makes one, with settings by name."""

from collections.abc import Iterator

import pytest

from lambda_src.services.nbhd_city.tables import TABLES
from tests.support.nbhd_city import MakeCity, PlayedCity
from tests.support.played import played


@pytest.fixture
def new_city(dynamodb_client, make_tables) -> Iterator[MakeCity]:
    """See `played`."""
    with played(PlayedCity, dynamodb_client, lambda: make_tables(TABLES)) as make:
        yield make
