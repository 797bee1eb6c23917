"""What lasts: of a bridge that is killed, and over restarts of the engine below it."""

import subprocess
import sys
import time
from itertools import chain

import pytest

from cdk_app.local.dynamodb_local import DynamoDBLocal
from cdk_app.local.layout import ROOT
from cdk_app.local.tables import bring_about
from tests.support.ports import free_port
from tests.support.stream_process import StreamPlan, given
from tests.support.streams import Consumer, Engine, deliver, journal_in, running, stream_table, until

ENDED_SECONDS = 30


def start(plan, folder):
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.support.stream_process", plan.to_json()], cwd=ROOT, stdout=log, stderr=log
        )


def first_deliveries(batches):
    return list(dict.fromkeys(chain.from_iterable(batches)))


def test_a_bridge_that_is_killed_before_it_notes_a_batch_brings_it_again(
    engine, table, journal, dynamodb_endpoint, tmp_path
):
    names = [str(number) for number in range(60)]
    engine.put(table, *names)
    for kills in range(1, 4):
        plan = StreamPlan(dynamodb_endpoint, table.name, str(tmp_path), batch_size=5, kill_after=3)
        assert start(plan, tmp_path).wait(ENDED_SECONDS) == -9, (tmp_path / "log").read_text()
        assert len(given(tmp_path)) == 3 * kills
    process = start(StreamPlan(dynamodb_endpoint, table.name, str(tmp_path), batch_size=5), tmp_path)
    try:
        until(lambda: len(first_deliveries(given(tmp_path))) == 60)
        (tmp_path / "stop").touch()
        assert process.wait(ENDED_SECONDS) == 0
    finally:
        process.kill()
    batches = given(tmp_path)
    assert first_deliveries(batches) == names
    again = [batch for batch in batches if batches.count(batch) > 1]
    assert len(again) == 2 * 3  # what was handled and not noted, and nothing else
    assert len(batches) == 12 + 3


@pytest.fixture
def lasting(tmp_path):
    """An engine with its data on disk, to be stopped and started."""
    engine = DynamoDBLocal(free_port(), tmp_path / "dynamodb")
    engine.start()
    engine.wait_until_ready()
    yield engine
    engine.stop()


def begin_again(lasting):
    lasting.start()
    lasting.wait_until_ready()


def test_a_bridge_goes_on_when_the_engine_is_started_anew_underneath(lasting, tmp_path):
    engine, table, function = Engine(lasting.endpoint_url), stream_table(), Consumer()
    bring_about(engine.dynamodb, table)
    with journal_in(tmp_path) as journal, running(engine.bridge(journal, table, function.calls())):
        engine.put(table, "a", "b")
        until(lambda: function.names == ["a", "b"])
        lasting.stop()
        time.sleep(1)  # long enough for more than one question that nobody answers
        begin_again(lasting)
        engine.put(table, "c")
        until(lambda: len(function.names) == 3)
    engine.close()
    assert function.names == ["a", "b", "c"]
    assert any("cannot be read" in each for each in function.announced)


def test_another_bridge_on_an_engine_that_was_started_anew_goes_on_where_the_last_one_was(lasting, tmp_path):
    engine, table, function = Engine(lasting.endpoint_url), stream_table(), Consumer()
    bring_about(engine.dynamodb, table)
    for number in range(3):
        engine.put(table, f"{number}.1", f"{number}.2")
        with journal_in(tmp_path) as journal:
            deliver(engine.bridge(journal, table, function.calls()), function.had(f"{number}.2"))
        engine.put(table, f"{number}.3")
        lasting.stop()
        begin_again(lasting)
    engine.close()
    assert function.names == ["0.1", "0.2", "0.3", "1.1", "1.2", "1.3", "2.1", "2.2"]
