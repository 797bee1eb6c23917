"""Private SQL servers, one of each kind per worker and only where a test asks, and fresh databases on them."""

from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path

import pytest

from lambda_src.services.nbhd_city.tables import TABLES
from tests.integration.conftest import MakeTables
from tests.support.migration.migration_process import Phases
from tests.support.migration.scenes import SERVICES, Moving
from tests.support.migration.servers import Database, MariaDB, PostgreSQL, schema
from tests.support.nbhd_city import MakeNbhdHouse, houses


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    with MariaDB.running() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    with PostgreSQL.running() as server:
        yield server


@pytest.fixture
def stock_track_record_database(mariadb: MariaDB) -> Iterator[Database]:
    """The tables Stock Track Record came from, empty."""
    with mariadb.database(schema("stock_track_record")) as database:
        yield database


@pytest.fixture
def nbhd_city_database(postgresql: PostgreSQL) -> Iterator[Database]:
    """The tables nbhd.city came from, empty."""
    with postgresql.database(schema("nbhd_city")) as database:
        yield database


@pytest.fixture(scope="session")
def phases() -> Iterator[Phases]:
    with Phases() as started:
        yield started


@pytest.fixture(params=SERVICES, ids=attrgetter("name"))
def moving(request: pytest.FixtureRequest, dynamodb_endpoint: str, make_tables: MakeTables, tmp_path: Path) -> Moving:
    """Each service in turn, with an empty database."""
    database: Database = request.getfixturevalue(f"{request.param.name}_database")
    return Moving(request.param, database, dynamodb_endpoint, make_tables, tmp_path)


@pytest.fixture
def nbhd_house(dynamodb_client, make_tables) -> Iterator[MakeNbhdHouse]:
    """The API over a table: see `houses`."""
    with houses(dynamodb_client, lambda: make_tables(TABLES)) as make:
        yield make
