"""The console with nobody behind it: both emulators are closed ports."""

import socket
from pathlib import Path

import httpx
import pytest

from cdk_app.local.console.app import create_console
from cdk_app.local.console.views.overview import function_label
from cdk_app.local.running import DeployedFunction, DeployedQueue, LocalCloud, RunningService
from cdk_app.services.service import FirstAccount
from tests.support import loopback
from tests.support.http_server import ThreadedServer

SERVICE = RunningService(
    name="StockTrackRecord",
    title="Stock Track Record",
    url="http://localhost:8001",
    functions=(DeployedFunction("local-StockTrackRecordApp-WorkerFunction1F2E3D4C-9AB", "/aws/lambda/worker"),),
    queues=(DeployedQueue("Work", "http://localhost:1/000000000000/Work", "http://localhost:1/000000000000/Work-dlq"),),
    table_names=("StockTrackRecord-local",),
    accounts=(FirstAccount("admin", "<gene>rated&"),),
)


@pytest.fixture(scope="module")
def console():
    """Address of a console whose emulators refuse every connection: their port is held, and nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{held.getsockname()[1]}"
        local_cloud = LocalCloud(
            services=(SERVICE,),
            aws_endpoint=nobody,
            dynamodb_endpoint=nobody,
            console_url="http://localhost:8000",
            state_directory=Path("unused"),
        )
        with ThreadedServer(create_console(local_cloud)) as server:
            yield server.url


def get(url: str, **headers: str) -> httpx.Response:
    with loopback.client() as client:
        return client.get(url, headers=headers, timeout=10)


@pytest.mark.parametrize("path", ["/", "/log", "/tables"])
def test_a_page_still_stands_when_its_sources_are_silent(console, path):
    answer = get(console + path)
    assert answer.status_code == 200
    assert "does not answer" in answer.text


def test_the_first_user_of_a_service_is_shown_whatever_the_password_is_made_of(console):
    page = get(f"{console}/").text
    assert "first user <code>admin</code>, password <code>&lt;gene&gt;rated&amp;</code>" in page


def test_a_table_that_cannot_be_read_is_a_502_that_says_so(console):
    answer = get(f"{console}/tables/StockTrackRecord-local")
    assert answer.status_code == 502
    assert "DynamoDB does not answer" in answer.text


def test_a_dead_letter_queue_that_cannot_be_read_says_so(console):
    assert "SQS does not answer" in get(f"{console}/queues/Work-dlq").text


@pytest.mark.parametrize(
    "path", ["/tables/Other", "/queues/Other", "/queues/Work", "/callback.html", "/nowhere", "/static/../app.py"]
)
def test_what_is_not_in_the_house_is_not_found(console, path):
    assert get(console + path).status_code == 404


def test_a_queue_that_feeds_a_worker_cannot_be_looked_into(console):
    assert "no dead-letter queue Work in this local cloud" in get(f"{console}/queues/Work").text


@pytest.mark.parametrize(
    "host", ["console.example", "localhost.evil.example", "127.0.0.1.evil.example:8000", "10.0.0.7"]
)
def test_a_foreign_host_name_is_refused(console, host):
    assert get(console + "/", Host=host).status_code == 400


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "localhost"])
def test_the_names_of_this_machine_are_served(console, host):
    assert get(console + "/log", Host=host).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/", "/log", "/tables/StockTrackRecord-local", "/queues/Work-dlq", "/live/log"])
def test_nothing_can_be_sent(console, method, path):
    assert httpx.request(method, console + path, timeout=10).status_code == 405


@pytest.mark.parametrize("path", ["/", "/nowhere", "/static/console.js", "/live/queues"])
def test_every_answer_forbids_foreign_scripts_frames_and_embedding(console, path):
    headers = get(console + path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_refusal_carries_the_same_guards(console):
    assert "default-src 'none'" in get(console + "/", Host="evil.example").headers["Content-Security-Policy"]


def test_pages_hold_no_inline_script_or_style(console):
    text = get(console + "/").text
    assert text.count("<script") == 1
    assert '<script src="/static/console.js" defer></script>' in text
    assert " style=" not in text
    assert "<style" not in text


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "limit=999999999999", "limit=", "after=" + "9" * 400, "show=%00"]
)
def test_strange_questions_to_the_live_log_are_answered(console, query):
    answer = get(f"{console}/live/log?{query}")
    assert answer.status_code == 200
    assert answer.text.startswith("<tbody ")


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("local-StockTrackRecordApp-WorkerFunction1F2E3D4C-9AB", "Stock Track Record Worker"),
        ("local-StockTrackRecordApp-ApiFunctionFunction6C2B1A09-3KX", "Stock Track Record Api"),
        ("worker", "worker"),
        ("my-worker", "my-worker"),
    ],
)
def test_a_function_is_called_by_its_part_in_the_service(name, label):
    assert function_label(SERVICE, name) == label
