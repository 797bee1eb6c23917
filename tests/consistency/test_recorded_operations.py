"""A scenario through the API and the worker asks of AWS exactly what the deployed roles are granted."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from cdk_app.local.ministack import MiniStack
from lambda_src.services.stock_track_record.tables import API_PATTERNS, SUPPORT_PATTERNS, TABLES, WORKER_PATTERNS
from tests.support.everything import QUEUES, SECRETS, Everything, prepare, use_everything
from tests.support.recorded_operations import Operations, granted
from tests.support.recording import recording
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
    with recording(
        "stock_track_record",
        tables=TABLES,
        queues=QUEUES,
        secrets=SECRETS,
        cloud=cloud,
        dynamodb_endpoint=dynamodb_endpoint,
    ) as made:
        app = Everything(made)
        try:
            prepare(app)
            with made.recorder.acting("api"):
                use_everything(app)
            with made.recorder.acting("support"):
                ask_as_support(app)
        finally:
            app.stop()
        yield Recorded(dict(made.recorder.operations), dict(made.recorder.methods))


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
