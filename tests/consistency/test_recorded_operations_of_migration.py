"""The migration, all phases of it, with every call to DynamoDB recorded: its role may do this and no more."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cdk_app.constructs.migration_operator import MIGRATION_ACTIONS
from lambda_src.dynamo.boto3_client import Boto3Client, make_client
from lambda_src.dynamo.schema import patterns_of
from lambda_src.dynamo.store import Store
from lambda_src.dynamo.values import to_item
from lambda_src.migration.mapping import Row, ServiceMapping
from lambda_src.migration.mappings.nbhd_city import mapping as nbhd_city
from lambda_src.migration.mappings.registry import MIGRATIONS
from lambda_src.migration.mappings.stock_track_record import mapping as stock_track_record
from lambda_src.migration.mappings.stock_track_record.upgrade_layout import upgrade_layout
from lambda_src.migration.mappings.yoto_smart_stream import mapping as yoto_smart_stream
from lambda_src.migration.phases.checks import shape_checks
from lambda_src.migration.phases.copy import copy
from lambda_src.migration.phases.cutover import open_api
from lambda_src.migration.phases.delta import delta
from lambda_src.migration.phases.job import Job
from lambda_src.migration.phases.rollback import rollback
from lambda_src.migration.phases.verify import verify
from lambda_src.services.stock_track_record.tables import TABLES, UPGRADE
from tests.support.legacy_items import legacy_items
from tests.support.migration.jobs import RowsInHand, job
from tests.support.migration.nbhd_city_rows import membership, neighborhood
from tests.support.migration.ready import ready
from tests.support.migration.stock_track_record_rows import channel_row, log_row, mention_row, stock_row, video_row
from tests.support.migration.yoto_smart_stream_files import audio as audio_row
from tests.support.migration.yoto_smart_stream_files import user as user_row
from tests.support.recorded_operations import Operations, Recorder, granted

type Rows = dict[str, list[Row]]
type Recorded = Callable[[ServiceMapping], tuple[Any, Recorder, Mapping[str, str]]]

BEFORE: Mapping[str, Rows] = {
    "nbhd_city": {
        "neighborhoods": [neighborhood(1, "One"), neighborhood(2, "Two")],
        "memberships": [membership(1, "did:plc:alice", 1), membership(2, "did:plc:bob", 2)],
    },
    "stock_track_record": {
        "channels": [channel_row(1)],
        "stocks": [stock_row("AAPL"), stock_row("NVDA")],
        "videos": [video_row(1)],
        "stock_mentions": [mention_row(1)],
        "processing_logs": [log_row(1)],
    },
    "yoto_smart_stream": {"users": [user_row(1, "bob", is_admin=1)], "audio_files": [audio_row(1, "a.mp3")]},
}
AFTER: Mapping[str, Rows] = {
    "nbhd_city": {**BEFORE["nbhd_city"], "memberships": [membership(3, "did:plc:carol", 1)]},
    "stock_track_record": {
        **BEFORE["stock_track_record"],
        "stocks": [stock_row("AAPL", name="Changed")],
        "processing_logs": [log_row(2)],
    },
    "yoto_smart_stream": {"users": [user_row(2, "eve", is_admin=1), user_row(3, "zoe", is_admin=1)]},
}
MAPPINGS = {
    "nbhd_city": nbhd_city.mapping(),
    "stock_track_record": stock_track_record.mapping(),
    "yoto_smart_stream": yoto_smart_stream.mapping(),
}


@pytest.fixture
def recorded(dynamodb_endpoint, make_tables) -> Iterator[Recorded]:
    """Fresh tables of a service, and a client whose calls are recorded."""
    clients = []

    def make(mapping: ServiceMapping) -> tuple[Any, Recorder, Mapping[str, str]]:
        names = make_tables(mapping.tables)
        client = make_client(region="us-east-1", endpoint_url=dynamodb_endpoint, read_timeout_seconds=30)
        clients.append(client)
        recorder = Recorder(Boto3Client(client), names)
        recorder.listen(client.meta.events)
        return client, recorder, names

    yield make
    for client in clients:
        client.close()


def migrate(mapping: ServiceMapping, client: Any, names: Mapping[str, str], folder: Path) -> None:
    """Every phase, with something to do for each."""
    source = RowsInHand(mapping, BEFORE[mapping.service])

    def start() -> Job:
        return job(source, ready(client), names, folder)

    assert all(check.is_go for check in shape_checks(start()))
    copy(start())
    assert rollback(start()).removed
    copy(start())
    source.rows = AFTER[mapping.service]
    assert not verify(start()).is_equal
    repairs = delta(start())[1]
    assert repairs.put
    assert repairs.deleted
    assert verify(start(), full=True).is_equal
    assert open_api(start())


def of_operator(mapping: ServiceMapping) -> Operations:
    return {(table.name, f"dynamodb:{action}") for table in mapping.tables for action in MIGRATION_ACTIONS}


@pytest.mark.parametrize("service", MAPPINGS)
def test_the_operator_is_granted_what_a_migration_does_and_no_more(recorded, service, tmp_path):
    mapping = MAPPINGS[service]
    client, recorder, names = recorded(mapping)
    migrate(mapping, client, names, tmp_path)
    used = recorder.operations["api"]
    assert used - of_operator(mapping) == set(), "the operator is refused this"
    assert of_operator(mapping) - used == set(), "the operator does not need this"


def test_the_operator_is_granted_what_an_upgrade_of_the_layout_does_and_no_more(recorded):
    mapping = MAPPINGS["stock_track_record"]
    client, recorder, names = recorded(mapping)
    with recorder.acting("test"):
        for item in legacy_items():
            client.put_item(TableName=names["main"], Item=to_item(item))
    assert upgrade_layout(Store(Boto3Client(client), names)).upgraded == 1
    used, declared = recorder.operations["api"], granted(patterns_of(TABLES, UPGRADE))
    assert used - of_operator(mapping) == declared - of_operator(mapping)
    assert declared - used == set()


def test_every_service_whose_data_moves_is_tried_here():
    assert MAPPINGS.keys() == {name.replace("-", "_") for name in MIGRATIONS}
