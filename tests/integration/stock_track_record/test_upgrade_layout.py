"""A table that the legacy application wrote, brought up by the operator before the API is opened on it."""

from typing import Any

import pytest

from lambda_src.dynamo.store import Store
from lambda_src.migration.errors import DIFFERENCES, DONE
from lambda_src.migration.mappings.stock_track_record.upgrade_layout import UpgradeReport, upgrade_layout
from lambda_src.services.stock_track_record.tables import CHANNEL
from tests.support.legacy_items import legacy_channel, legacy_items
from tests.support.played import TestClock
from tests.support.stepping import Killed, Steps, kill_before_step, stepped_client
from tests.support.stock_track_record import Applications
from tests.support.track_record_items import channel_named

FIRST = "00000001-0000-4000-8000-cccccccccccc"
SECOND = "00000002-0000-4000-8000-cccccccccccc"


@pytest.fixture
def app(new_app) -> Applications:
    """Two channels of the legacy application and one of today, and nobody counted them."""
    applications: Applications = new_app()
    fill(applications)
    return applications


def fill(app: Applications) -> None:
    for number, channel_id in enumerate((FIRST, SECOND)):
        app.put_items(*legacy_items(channel_id, identity=f"handle:number{number}", before=f"{number}-"))
    app.put_items(CHANNEL.item(channel_named("today")))


def upgrade(store: Store, **options: Any) -> UpgradeReport:
    return upgrade_layout(store, clock=TestClock(), **options)


def items_by_key(app: Applications) -> dict[tuple[str, str], dict[str, Any]]:
    return {(item["PK"], item["SK"]): item for item in app.items()}


def results(app: Applications) -> dict[str, Any]:
    """What the API answers about the channels of the legacy application."""
    paths = [f"{channel_id}/{part}" for channel_id in (FIRST, SECOND) for part in ("stocks", "timeline", "stocks/aapl")]
    return {path: app.api.get(f"/api/channels/{path}").json() for path in paths}


def test_every_listed_channel_is_upgraded_and_counted(app):
    before = results(app)
    seen: list[int] = []

    report = upgrade(app.store, advance=seen.append)

    assert report == UpgradeReport(listed=3, upgraded=2, doubles=())
    assert report.exit_code == DONE
    assert seen == [1, 1, 1]
    assert {channel["layout"] for channel in app.items_of("Channel")} == {2}
    assert [counter["value"] for counter in app.items_of("Counter")] == [3]
    assert len(app.items_of("ChannelMention")) == len(app.items_of("StockMention")) == 8
    with app.counted() as requests:
        assert results(app) == before
    assert requests["Query"] == 6


def test_a_second_run_finds_nothing_to_do_and_changes_nothing(app):
    upgrade(app.store)
    before = items_by_key(app)

    assert upgrade(app.store) == UpgradeReport(listed=3, upgraded=0, doubles=())

    assert items_by_key(app) == before


def test_a_run_that_was_killed_anywhere_is_finished_by_the_next_one(app, new_app):
    steps = Steps()
    upgrade(Store(stepped_client(app.client, steps), app.names))
    undisturbed = items_by_key(app)
    assert len(steps.names) > 30

    for number in range(1, len(steps.names) + 1, 4):
        victim = new_app()
        fill(victim)
        dying = stepped_client(victim.client, Steps(kill_before_step(number)))
        with pytest.raises(Killed):
            upgrade(Store(dying, victim.names))
        assert items_by_key(victim) != undisturbed, f"killed before step {number}"

        upgrade(victim.store)

        assert items_by_key(victim) == undisturbed, f"killed before step {number}"


def test_of_two_channels_with_one_identity_one_is_upgraded_and_the_other_reported(app):
    app.put_items(legacy_channel("third", identity="handle:number0"))

    report = upgrade(app.store)

    (double,) = report.doubles
    assert double in (FIRST, "third")
    assert (report.listed, report.upgraded, report.exit_code) == (4, 2, DIFFERENCES)
    assert {item["id"] for item in app.items_of("Channel") if "layout" not in item} == {double}
    assert upgrade(app.store) == UpgradeReport(listed=4, upgraded=0, doubles=(double,))


def test_afterwards_the_api_counts_and_knows_the_channels(app):
    upgrade(app.store)

    assert app.api.get("/api/channels").json()["total"] == 3
    again = app.api.post("/api/channels", json={"url": "https://www.youtube.com/@Number1"})
    assert (again.status_code, again.json()["code"]) == (400, "channel_exists")
    assert app.api.delete(f"/api/channels/{FIRST}").status_code == 204
    assert app.api.get("/api/channels").json()["total"] == 2


def test_a_table_without_channels_is_counted_too(new_app):
    app = new_app()

    assert upgrade(app.store) == UpgradeReport(listed=0, upgraded=0, doubles=())

    assert [counter["value"] for counter in app.items_of("Counter")] == [0]
