"""The service over fresh tables: `house()` makes one, with a world of its own and settings by name."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lambda_src.services.stock_track_record.tables import TABLES
from tests.support.stock_track_record import Applications

type MakeHouse = Callable[..., Applications]


@pytest.fixture
def house(dynamodb_client, make_tables) -> Iterator[MakeHouse]:
    """`house(world=..., clock=..., keys=..., max_channels=3)`: every part has a default.

    `house(names=other.names)` is one more process over the tables of another.
    """
    made: list[Applications] = []

    def make(**options: Any) -> Applications:
        names = options.pop("names", None) or make_tables(TABLES)
        applications = Applications(client=dynamodb_client, names=names, **options)
        made.append(applications)
        return applications

    yield make
    for applications in made:
        applications.stop()
