"""The service over fresh tables: `house()` makes one, with a world of its own and settings by name."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cdk_app.services.stock_track_record.stand_ins.world import World
from lambda_src.dynamo.render import create_table_input
from lambda_src.services.stock_track_record.tables import TABLES
from tests.support.bystander import Bystander
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


@pytest.fixture(scope="module")
def bystander(dynamodb_client) -> Iterator[Bystander]:
    """Shared by all cases, since none of them may change anything."""
    names = {table.name: f"{table.seed_name}-{uuid.uuid4()}" for table in TABLES}
    for table in TABLES:
        dynamodb_client.create_table(**create_table_input(table, names[table.name]))
    app = Applications(client=dynamodb_client, names=names, world=World.custom(stocks=()))
    yield Bystander(app)
    app.stop()
    for name in names.values():
        dynamodb_client.delete_table(TableName=name)
