"""Stock Track Record used to the full asks of AWS exactly what its deployed roles are granted."""

from collections.abc import Iterator

import pytest

from cdk_app.local.ministack import MiniStack
from lambda_src.dynamo.schema import ItemKey
from lambda_src.services.stock_track_record import tables
from lambda_src.services.stock_track_record.tables import API, SUPPORT, TABLES, WORKER
from tests.support.everything import QUEUES, SECRETS, Everything, prepare, use_everything
from tests.support.recorded_operations import Recorder, check_asked, check_found
from tests.support.recording import recording
from tests.support.roles import done_by_lambda, granted_to

FUNCTIONS = {API: "ApiFunction", WORKER: "Worker"}


@pytest.fixture(scope="module")
def recorded(cloud: MiniStack, dynamodb_endpoint: str) -> Iterator[Recorder]:
    """One run of the scenario, for all tests."""
    with recording(
        tables=TABLES, queues=QUEUES, secrets=SECRETS, cloud=cloud, dynamodb_endpoint=dynamodb_endpoint
    ) as made:
        app = Everything(made)
        try:
            prepare(app)
            with made.recorder.acting(API):
                use_everything(app)
            with made.recorder.acting(SUPPORT):
                ask_as_support(app)
        finally:
            app.stop()
        yield made.recorder


def ask_as_support(app: Everything) -> None:
    app.store.items(tables.CHANNELS_BY_IDENTITY, youtube_channel_id="handle:old")
    keys = app.store.rows(tables.VIDEOS_BY_YOUTUBE_ID, "PK", "SK", youtube_video_id="old-video")
    app.store.batch_get(tables.VIDEOS_BY_YOUTUBE_ID, [ItemKey(tables.VIDEO, key) for key in keys])
    app.store.items(tables.MENTIONS_OF_TICKER, ticker="AAPL")


@pytest.mark.parametrize("role", FUNCTIONS)
def test_a_deployed_role_is_granted_what_its_function_does_and_no_more(recorded, deployed, role):
    names = {table.physical_name(deployed.environment): table.name for table in TABLES}
    template = deployed.templates["StockTrackRecordApp"]
    allowed = granted_to(template, FUNCTIONS[role], tables=names)
    used = recorded.operations[role] | done_by_lambda(template, FUNCTIONS[role])
    assert used - allowed == set(), f"{role} is refused this"
    assert allowed - used == set(), f"{role} does not need this"


@pytest.mark.parametrize("asker", [API, WORKER, SUPPORT])
def test_it_runs_exactly_the_patterns_that_say_who_asks_them(recorded, asker):
    check_asked(recorded, TABLES, asker)


def test_patterns_find_the_kinds_of_items_they_read(recorded):
    check_found(recorded, TABLES)
