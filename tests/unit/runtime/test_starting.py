"""How functions start: what they are made of, and that the first request finds an API function ready."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lambda_src.dynamo.client import CallRefused
from lambda_src.dynamo.errors import StoreMisconfigured
from lambda_src.dynamo.meter import Usage, UsageMeter
from lambda_src.dynamo.schema import Table
from lambda_src.runtime.metrics import Metrics
from lambda_src.runtime.resources import Resources, metered, table_names
from lambda_src.runtime.settings import ServiceSettings
from lambda_src.signing import SigningKey
from tests.support.sample_tables import NOTE_BY_NUMBER, NOTES, NOTES_OF_TOPIC, PLACES

ROOT = Path(__file__).resolve().parents[3]


class SampleSettings(ServiceSettings):
    notes_table_name: str = "Sample-local"
    places_table_name: str = "Sample-Places-local"


class CountingSettings(SampleSettings):
    conflict_metric = "SampleConflict"


class Counted(Metrics):
    def __init__(self) -> None:
        self.names: list[str] = []

    def count(self, name: str, value: float = 1, /, **by: str) -> None:
        self.names.append(name)


class OneKey:
    def current(self) -> SigningKey:
        return SigningKey("k1", b"k" * 32)

    def find(self, key_id: str) -> SigningKey | None:
        return self.current() if key_id == "k1" else None


SETTINGS = SampleSettings(environment="local")


def test_tables_go_by_the_variables_that_they_declare():
    logs = Table("logs", "Logs", "WHERE_LOGS_ARE", partition="PK", sort=None)

    class LogSettings(SampleSettings):
        where_logs_are: str

    settings = LogSettings(environment="local", notes_table_name="Notes-7", where_logs_are="Logs-7")
    assert table_names([NOTES, PLACES, logs], settings) == {
        "notes": "Notes-7", "places": "Sample-Places-local", "logs": "Logs-7",
    }  # fmt: skip
    with pytest.raises(AttributeError, match="notes_table_name"):
        table_names([NOTES], ServiceSettings(environment="local"))


def test_a_store_asks_the_tables_by_their_physical_names_through_the_meter(resources, engine):
    store = resources.store([NOTES], SETTINGS)
    assert store.get(NOTE_BY_NUMBER, book="b", number=1) is None
    assert engine.calls == ["GetItem"]
    assert resources.client.snapshot() == Usage(1, 0.5, 0)
    with pytest.raises(AssertionError, match="without cursors"):
        store.page(NOTES_OF_TOPIC, limit=1, cursor="x", topic="t")


def test_the_clock_of_the_resources_is_that_of_the_cursors(engine):
    noon = datetime(2025, 1, 15, 12, tzinfo=UTC)
    resources = Resources(client=UsageMeter(engine), clock=lambda: noon)
    assert resources.seconds() == noon.timestamp()
    store = resources.store([NOTES], SETTINGS, keys=OneKey())
    cursors: Any = store._cursors
    assert cursors.decode(cursors.encode("list", {"i": 1}), "list") == {"i": 1}
    assert cursors._seconds() == noon.timestamp()


@pytest.mark.parametrize(("settings", "counted"), [(CountingSettings, ["SampleConflict"]), (SampleSettings, [])])
def test_a_conflict_is_counted_where_the_service_has_a_metric_for_it(settings, counted):
    class Conflict:
        def call(self, operation, request, pattern):
            raise CallRefused("TransactionCanceledException", reasons=[{"Code": "TransactionConflict"}])

        def close(self):
            raise AssertionError

    metrics = Counted()
    meter = metered(Conflict(), settings(environment="local"), metrics)
    with pytest.raises(CallRefused):
        meter.call("TransactWriteItems", {}, "p")
    assert metrics.names == counted


def test_the_real_resources_connect_at_their_first_use_and_can_be_disconnected(aws):
    """`aws` answers whatever it is asked with nothing."""
    resources = Resources.of(SETTINGS, Metrics())
    assert aws.calls == []
    store = resources.store([NOTES], SETTINGS)
    for _ in range(2):
        assert store.get(NOTE_BY_NUMBER, book="b", number=1) is None
        resources.client.close()
    assert [operation for operation, _ in aws.calls] == ["GetItem", "GetItem"]
    assert aws.calls[0][1]["TableName"] == "Sample-local"


def test_a_silent_engine_is_given_up_in_the_time_of_the_settings():
    class Impatient(SampleSettings):
        database_timeout_seconds = 0.25

    resources = Resources.of(Impatient(environment="local", dynamodb_endpoint="http://127.0.0.1:1"), Metrics())
    meter: Any = resources.client
    assert meter._client._client.meta.config.read_timeout == 0.25


def test_a_refusal_reaches_the_store_as_its_own_error(aws):
    aws.answers["GetItem"] = [(400, {"__type": "com.amazonaws.dynamodb.v20120810#AccessDeniedException"})]
    store = Resources.of(SETTINGS, Metrics()).store([NOTES], SETTINGS)
    with pytest.raises(StoreMisconfigured):
        store.get(NOTE_BY_NUMBER, book="b", number=1)


# ---- functions, in processes of their own -------------------------------------------------------------------------

SERVICE = """
import json, gc, sys, threading
{first}
from lambda_src.runtime.settings import ServiceSettings
from tests.support.sample_tables import NOTES, NOTE_BY_NUMBER

class Settings(ServiceSettings):
    notes_table_name: str
"""

API = SERVICE.format(first="from lambda_src.runtime.api_function import start_api")
API += """
from lambda_src.dynamo.store import Store
from lambda_src.runtime.cors import CorsRules
from lambda_src.runtime.http import create_app
from lambda_src.runtime.routing import Given, Router

router = Router(tags=["notes"])

@router.get("/notes/{number}")
def read_note(store: Given[Store], number: int) -> dict[str, object]:
    return {"found": store.get(NOTE_BY_NUMBER, book="b", number=number) is not None}

def api(settings, resources):
    resources.metrics.count("Built")
    return create_app(
        title="Notes", version="1.0.0", settings=settings, cors=CorsRules(origins=(), methods=("GET",)),
        routers=[router], provided=[resources.store([NOTES], settings)], resources=resources,
    )

handler = start_api(namespace="Sample", package="sample_service", settings=Settings, build=api, primed="/notes/7")
event = {
    "version": "2.0", "rawPath": "/notes/1", "rawQueryString": "", "headers": {"host": "localhost"},
    "requestContext": {"http": {"method": "GET", "path": "/notes/1", "sourceIp": "127.0.0.1"}, "requestId": "r1"},
    "isBase64Encoded": False,
}
answer = handler(event, None)
print(json.dumps({
    "gc": gc.isenabled(), "frozen": gc.get_freeze_count() > 0, "threads": threading.active_count(),
    "status": answer["statusCode"], "body": answer["body"],
}))
"""

WORKER = SERVICE.format(first="from lambda_src.runtime.worker_function import start_worker")
WORKER += """
from lambda_src.runtime.worker import QueueWorker

class Context:
    aws_request_id = "i1"
    def get_remaining_time_in_millis(self): return 60_000

def look(store, _deadline):
    assert store.get(NOTE_BY_NUMBER, book="b", number=1) is None

def worker(settings, resources):
    store = resources.store([NOTES], settings)
    return QueueWorker(
        parse=str, kind=str, budget_seconds=lambda _: 1, handle=lambda *_: None, queue=resources.queue, queues=(),
        usage=resources.client, tasks={"look": lambda deadline: look(store, deadline)}, after=resources.metrics.flush,
    )

handler = start_worker(namespace="Sample", package="sample_service", settings=Settings, build=worker)
print(json.dumps({"answer": handler({"task": "look"}, Context()), "modules": sorted(set(sys.modules) & {"fastapi"})}))
"""


def run(program: str, aws: Any, **environment: str) -> list[dict[str, Any]]:
    """The JSON lines that a program writes."""
    variables = {
        "PATH": "/usr/bin", "ENVIRONMENT": "dev", "NOTES_TABLE_NAME": "Notes-dev", "DYNAMODB_ENDPOINT": aws.url,
        "AWS_DEFAULT_REGION": "us-east-1", "PYTHONPATH": str(ROOT), **environment,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0 or environment, done.stderr
    assert done.returncode == 0, done.stderr.splitlines()[-1]
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_an_api_function_is_primed_when_its_first_request_comes(aws):
    lines = run(API, aws)
    [said] = [line for line in lines if "gc" in line]
    assert said == {"gc": True, "frozen": True, "threads": 1, "status": 200, "body": '{"found":false}'}
    assert [body["Key"]["SK"]["S"] for body in aws.bodies("GetItem")] == ["NOTE#0007", "NOTE#0001"]
    assert {body["TableName"] for body in aws.bodies("GetItem")} == {"Notes-dev"}
    [served] = [line for line in lines if line.get("message") == "request served"]
    assert (served["service"], served["correlation_id"], served["dynamodb_requests"]) == ("sample-service-api", "r1", 1)
    [counted] = [line for line in lines if "_aws" in line]
    assert (counted["service"], counted["Built"]) == ("sample_service", [1.0])
    assert counted["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Sample"


def test_an_api_function_for_a_snapshot_starts_disconnected(aws):
    with pytest.raises(AssertionError, match="disconnected"):
        run(
            API.replace("handler = start_api", "Boto3Client.close = disconnected\nhandler = start_api").replace(
                "def api(",
                "from lambda_src.dynamo.boto3_client import Boto3Client\n"
                "def disconnected(self): raise SystemExit('disconnected')\n\ndef api(",
            ),
            aws,
            AWS_LAMBDA_INITIALIZATION_TYPE="snap-start",
        )


def test_a_worker_function_runs_its_tasks_and_imports_no_application(aws):
    lines = run(WORKER, aws)
    [said] = [line for line in lines if "answer" in line]
    assert said == {"answer": {}, "modules": []}
    [finished] = [line for line in lines if line.get("message") == "task finished"]
    assert (finished["service"], finished["outcome"], finished["dynamodb_requests"]) == (
        "sample-service-worker", "done", 1,
    )  # fmt: skip


STREAM = SERVICE.format(first="from lambda_src.runtime.worker_function import start_worker")
STREAM += """
from lambda_src.runtime.stream import RecordConsumer

class Context:
    aws_request_id = "i1"
    def get_remaining_time_in_millis(self): return 60_000

def stats(settings, resources):
    store = resources.store([NOTES], settings)
    return RecordConsumer(
        parse=lambda record: record.event_name, queue=resources.queue, dead_letter_url="", usage=resources.client,
        handle=lambda name, deadline: store.get(NOTE_BY_NUMBER, book="b", number=1),
    )

handler = start_worker(namespace="Sample", package="sample_service", settings=Settings, build=stats, name="stats")
event = json.load(open("tests/events/dynamodb_stream.json"))
print(json.dumps({"answer": handler(event, Context()), "modules": sorted(set(sys.modules) & {"fastapi"})}))
"""


def test_a_function_of_a_stream_goes_by_its_name_and_imports_no_application(aws):
    lines = run(STREAM, aws)
    [said] = [line for line in lines if "answer" in line]
    assert said == {"answer": {"batchItemFailures": []}, "modules": []}
    handled = [line for line in lines if line.get("message") == "record handled"]
    assert [line["kind"] for line in handled] == ["INSERT", "MODIFY", "REMOVE"]
    assert {(line["service"], line["dynamodb_requests"]) for line in handled} == {("sample-service-stats", 1)}


@pytest.mark.parametrize("program", [API, WORKER, STREAM])
def test_a_missing_variable_keeps_a_function_from_starting_and_is_named(aws, program):
    with pytest.raises(AssertionError, match=r"SettingsInvalid.*NOTES_TABLE_NAME"):
        run(program, aws, NOTES_TABLE_NAME="")
