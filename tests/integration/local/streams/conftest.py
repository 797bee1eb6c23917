"""A fresh table with a stream on the shared DynamoDB Local, and a journal."""

from collections.abc import Iterator

import pytest

from cdk_app.local.streams.journal import Journal
from cdk_app.local.tables import bring_about
from tests.support.streams import Engine, journal_in, stream_table


@pytest.fixture
def engine(dynamodb_endpoint) -> Iterator[Engine]:
    engine = Engine(dynamodb_endpoint)
    yield engine
    engine.close()


@pytest.fixture
def journal(tmp_path) -> Iterator[Journal]:
    with journal_in(tmp_path) as journal:
        yield journal


@pytest.fixture
def table(engine):
    table = stream_table()
    bring_about(engine.dynamodb, table)
    yield table
    engine.dynamodb.delete_table(TableName=table.name)
