"""Private SQL servers, one of each kind per worker and only where a test asks, and fresh databases on them."""

import json
from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from cdk_app.local.dynamodb_local import DynamoDBLocal
from cdk_app.local.ministack import QUICK, MiniStack, local_session
from lambda_src.dynamo.boto3_client import make_client
from lambda_src.dynamo.values import from_item
from lambda_src.migration.content import unmarked
from lambda_src.migration.mappings.nbhd_city.mapping import mapping
from lambda_src.migration.phases.job import Job
from lambda_src.services.nbhd_city.tables import TABLES
from lambda_src.services.yoto_smart_stream.tables import TABLES as YOTO_TABLES
from tests.integration.conftest import MakeTables
from tests.support.migration.jobs import RowsInHand, items_of, job
from tests.support.migration.migration_process import Phases
from tests.support.migration.nbhd_city_rows import membership, neighborhood
from tests.support.migration.operator import Operator
from tests.support.migration.scenes import SERVICES, Moving
from tests.support.migration.servers import Database, MariaDB, PostgreSQL, schema
from tests.support.migration.small_town import small_town
from tests.support.migration.yoto_smart_stream_operator import SECRETS, ReadTable
from tests.support.nbhd_city import MakeCity, PlayedCity
from tests.support.played import played
from tests.support.ports import free_port

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

PLACES = 3
MEMBERS = 9


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
def client(dynamodb_endpoint: str) -> "Iterator[DynamoDBClient]":
    """A client of one test alone: a migration counts what goes through its client."""
    client = make_client(region="us-east-1", endpoint_url=dynamodb_endpoint, read_timeout_seconds=30)
    yield client
    client.close()


@pytest.fixture
def names(make_tables: MakeTables) -> Mapping[str, str]:
    return make_tables(TABLES)


@pytest.fixture
def source() -> RowsInHand:
    return small_town(mapping())


@pytest.fixture
def start(source: RowsInHand, client: "DynamoDBClient", names: Mapping[str, str], tmp_path: Path) -> Callable[..., Job]:
    """Each call is as a command of its own, of one migration of `source`; `start("another")` on another machine."""
    return lambda machine="": job(source, client, names, tmp_path / machine)


@pytest.fixture
def database(nbhd_city_database: Database) -> Database:
    """Of nbhd.city, with a few places and members."""
    nbhd_city_database.insert("neighborhoods", [neighborhood(n, f"Place {n}") for n in range(1, PLACES + 1)])
    nbhd_city_database.insert(
        "memberships", [membership(n, f"did:plc:user{n}", n % PLACES + 1) for n in range(1, MEMBERS + 1)]
    )
    return nbhd_city_database


@pytest.fixture
def operator(database: Database, dynamodb_endpoint: str, make_tables: MakeTables, tmp_path: Path) -> Operator:
    """Of nbhd.city, with a source as it should be and an empty table."""
    return Operator("nbhd_city", database.url, dynamodb_endpoint, make_tables(TABLES), tmp_path / "kept")


@pytest.fixture
def large_engine() -> Iterator[str]:
    """DynamoDB Local with the memory that a million items take; its endpoint."""
    engine = DynamoDBLocal(free_port(), heap_megabytes=4096)
    engine.start()
    try:
        engine.wait_until_ready()
        yield engine.endpoint_url
    finally:
        engine.stop()


@pytest.fixture
def new_city(dynamodb_client, make_tables) -> Iterator[MakeCity]:
    """nbhd.city over a table: see `played`."""
    with played(PlayedCity, dynamodb_client, lambda: make_tables(TABLES)) as make:
        yield make


@pytest.fixture
def secrets(cloud: MiniStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Those of a fresh deployment of Yoto Smart Stream; boto3 leads to the emulator."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", local_session())
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.url)
    keeper = cloud.session.client("secretsmanager", endpoint_url=cloud.url, config=QUICK)
    for variable, value in SECRETS.items():
        made = keeper.create_secret(Name=variable, SecretString=json.dumps(value))
        monkeypatch.setenv(variable, made["ARN"])
    yield keeper
    for variable in SECRETS:
        keeper.delete_secret(SecretId=variable, ForceDeleteWithoutRecovery=True)


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """Where the file of the earlier product of Yoto Smart Stream will be."""
    return tmp_path / "earlier.db"


@pytest.fixture
def mover(earlier: Path, dynamodb_endpoint: str, make_tables: MakeTables, tmp_path: Path) -> Operator:
    """Of Yoto Smart Stream, with an empty table."""
    url = f"sqlite:///{earlier}"
    return Operator("yoto_smart_stream", url, dynamodb_endpoint, make_tables(YOTO_TABLES), tmp_path / "kept")


@pytest.fixture
def table(mover: Operator, dynamodb_client: "DynamoDBClient") -> ReadTable:
    """What is in the mover's table now, by key, without marks."""

    def read() -> Mapping[tuple[str, ...], Mapping[str, Any]]:
        found = items_of(dynamodb_client, mover.tables["main"])
        return {key: from_item(unmarked(item)) for key, item in found.items()}

    return read
