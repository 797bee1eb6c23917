"""A scenario through the API and the worker asks of AWS exactly what the deployed roles are granted."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import boto3
import pytest

from cdk_app.local.ministack import QUICK, MiniStack, local_session
from lambda_src.dynamo.client import make_client
from lambda_src.dynamo.render import create_table_input
from lambda_src.services.stock_track_record.tables import API_PATTERNS, SUPPORT_PATTERNS, TABLES, WORKER_PATTERNS
from tests.support.everything import Everything, make_addresses, prepare, use_everything
from tests.support.recorded_operations import Operations, Recorder, granted
from tests.support.roles import done_by_lambda, granted_to

PATTERNS = {"api": API_PATTERNS, "worker": WORKER_PATTERNS}
FUNCTIONS = {"api": "ApiFunction", "worker": "Worker"}


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was asked, by role."""

    operations: dict[str, Operations]
    methods: dict[str, set[str]]


@pytest.fixture(scope="module")
def recorded(cloud: MiniStack, dynamodb_endpoint: str) -> Iterator[Recorded]:
    """One run of the scenario, for all tests."""
    tables = {table.name: f"{table.seed_name}-{uuid4()}" for table in TABLES}
    addresses = make_addresses(cloud)
    recorder = Recorder({**tables, **addresses})
    client = make_client(region="us-east-1", endpoint_url=dynamodb_endpoint, read_timeout_seconds=30)
    recorder.listen(client.meta.events)
    session = local_session()
    recorder.listen(session.events)
    with pytest.MonkeyPatch.context() as patch, recorder.acting("test"):
        patch.setattr(boto3, "DEFAULT_SESSION", session)
        patch.setenv("AWS_ENDPOINT_URL", cloud.url)
        recorder.watch_repositories("stock_track_record", patch)
        for table in TABLES:
            client.create_table(**create_table_input(table, tables[table.name]))
        receiver = cloud.session.client("sqs", endpoint_url=cloud.url, config=QUICK)
        app = Everything(client=client, names=tables, recorder=recorder, addresses=addresses, receiver=receiver)
        try:
            prepare(app)
            with recorder.acting("api"):
                use_everything(app)
            with recorder.acting("support"):
                ask_as_support(app)
            yield Recorded(dict(recorder.operations), dict(recorder.methods))
        finally:
            app.stop()
            for name in tables.values():
                client.delete_table(TableName=name)
            client.close()


def ask_as_support(app: Everything) -> None:
    app.repository.channels.channels_by_identity("handle:old")
    app.repository.videos.videos_by_youtube_id("old-video")
    app.repository.mentions.mentions_of_ticker("AAPL")


def of_tables(operations: Operations) -> Operations:
    return {(place, action) for place, action in operations if action.startswith("dynamodb:")}


@pytest.mark.parametrize("role", FUNCTIONS)
def test_a_deployed_role_is_granted_what_its_function_does_and_no_more(recorded, deployed, role):
    tables = {table.physical_name(deployed.environment): table.name for table in TABLES}
    allowed = granted_to(deployed.app, FUNCTIONS[role], tables=tables)
    used = recorded.operations[role] | done_by_lambda(deployed.app, FUNCTIONS[role])
    assert used - allowed == set(), f"{role} is refused this"
    assert allowed - used == set(), f"{role} does not need this"


@pytest.mark.parametrize("role", PATTERNS)
def test_the_scenario_asks_of_the_tables_exactly_what_the_access_patterns_say(recorded, role):
    assert of_tables(recorded.operations[role]) == granted(PATTERNS[role])


@pytest.mark.parametrize("role", PATTERNS)
def test_each_function_uses_its_own_access_patterns_alone(recorded, role):
    declared = {pattern.name for of_table in PATTERNS[role].values() for pattern in of_table}
    assert recorded.methods[role] - declared == set(), f"{role} has to declare these patterns"
    assert declared - recorded.methods[role] == set(), f"{role} never uses these patterns"


def test_what_support_asks_is_granted_by_its_patterns(recorded):
    assert recorded.operations["support"] == granted(SUPPORT_PATTERNS)
