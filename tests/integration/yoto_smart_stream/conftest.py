"""The service over a fresh table: `new_house()` makes one, with settings by name."""

from collections.abc import Iterator

import pytest

from lambda_src.services.yoto_smart_stream.tables import TABLES
from tests.support.played import played
from tests.support.yoto_smart_stream import MakeHouse, PlayedHouse


@pytest.fixture
def new_house(dynamodb_client, make_tables) -> Iterator[MakeHouse]:
    """See `played`."""
    with played(PlayedHouse, dynamodb_client, lambda: make_tables(TABLES)) as make:
        yield make
