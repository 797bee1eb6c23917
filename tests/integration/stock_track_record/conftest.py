"""The service over fresh tables: `new_app()` makes one, with a world of its own and settings by name."""

import uuid
from collections.abc import Callable, Iterator

import pytest

from cdk_app.services.stock_track_record.stand_ins.world import World
from lambda_src.dynamo.render import create_table_input
from lambda_src.services.stock_track_record.tables import TABLES
from tests.support.bystander import Bystander
from tests.support.played import played
from tests.support.stock_track_record import Applications

type MakeApp = Callable[..., Applications]


@pytest.fixture
def new_app(dynamodb_client, make_tables) -> Iterator[MakeApp]:
    """`new_app(world=..., clock=..., keys=..., max_channels=3)`: every part has a default.

    `new_app(names=other.names)` is one more process over the tables of another.
    """
    with played(Applications, dynamodb_client, lambda: make_tables(TABLES)) as make:
        yield make


@pytest.fixture(scope="module")
def bystander(dynamodb_client) -> Iterator[Bystander]:
    """Shared by all cases, since none of them may change anything."""
    names = {table.name: f"{table.base_name}-{uuid.uuid4()}" for table in TABLES}
    for table in TABLES:
        dynamodb_client.create_table(**create_table_input(table, names[table.name]))
    app = Applications(client=dynamodb_client, names=names, world=World.custom(stocks=()))
    yield Bystander(app)
    app.stop()
    for name in names.values():
        dynamodb_client.delete_table(TableName=name)
