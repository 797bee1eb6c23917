"""A real DynamoDB engine for integration tests, and fresh tables on it."""

import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, cast

import pytest

from cdk_app.local import ministack
from cdk_app.local.dynamodb_local import EMULATOR
from cdk_app.local.ministack import MiniStack
from lambda_src.dynamo.boto3_client import Boto3Client, make_client
from lambda_src.dynamo.render import create_table_input
from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.store import Store
from tests.support.dynamodb_local import shared_endpoint
from tests.support.engines import installed
from tests.support.ports import free_port
from tests.support.sqlite_engine import SqliteLikeBoto3

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

INSTALL = "run `make setup`"

type MakeStore = Callable[[Sequence[Table]], Store]


class MakeTables(Protocol):
    def __call__(self, tables: Sequence[Table], *, with_streams: bool = False) -> Mapping[str, str]: ...


@pytest.fixture(scope="session")
def dynamodb_endpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of DynamoDB Local, one engine for all processes of the run, in memory."""
    installed(EMULATOR, INSTALL)
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # workers have folders of their own in that of the run
        return shared_endpoint(base.parent / "dynamodb-local", run_process_id=os.getppid())
    return shared_endpoint(base / "dynamodb-local", run_process_id=os.getpid())


@pytest.fixture(scope="session")
def dynamodb_client(request: pytest.FixtureRequest) -> "Iterator[DynamoDBClient]":
    """A client as functions have it. The read timeout is wider: machines that run tests are busy.

    A test may name the engine as its parameter, indirectly; see `on_both_engines`.
    """
    if getattr(request, "param", request.config.getoption("--engine")) == "sqlite":
        yield cast("DynamoDBClient", SqliteLikeBoto3())
        return
    endpoint = request.getfixturevalue("dynamodb_endpoint")
    client = make_client(region="us-east-1", endpoint_url=endpoint, read_timeout_seconds=30)
    yield client
    client.close()


@pytest.fixture
def make_tables(dynamodb_client: "DynamoDBClient") -> Iterator[MakeTables]:
    """`make_tables([MAIN, STOCKS])` makes fresh tables (11 ms each): physical name by declared name.

    with_streams: where a table declares one. The engine keeps what streams tell until it ends, of deleted tables too,
    and looks through all of it at every write to a table with a stream: 0.5 ms of it after 1,000 records, 8 ms after
    12,000.
    """
    made: list[str] = []

    def make(tables: Sequence[Table], *, with_streams: bool = False) -> Mapping[str, str]:
        names = {table.name: f"{table.base_name}-{uuid.uuid4()}" for table in tables}
        for table in tables:
            request = create_table_input(table, names[table.name])
            if not with_streams:
                request.pop("StreamSpecification", None)
            dynamodb_client.create_table(**request)
            made.append(names[table.name])
        return names

    yield make
    for name in made:
        dynamodb_client.delete_table(TableName=name)


@pytest.fixture
def make_store(dynamodb_client: "DynamoDBClient", make_tables: MakeTables) -> MakeStore:
    """`make_store([MAIN, STOCKS])` is a store over fresh tables."""
    return lambda tables: Store(Boto3Client(dynamodb_client), make_tables(tables))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    """An emulator of SQS, Lambda and the rest, empty; it starts in about a second."""
    installed(ministack.INTERPRETER, INSTALL)
    folder = tmp_path_factory.mktemp("ministack")
    started = MiniStack.start(
        port=free_port(), state_directory=folder, log_path=folder / "ministack.log", function_environment={}
    )
    try:
        started.wait_until_ready()
        yield started
    finally:
        started.stop()
