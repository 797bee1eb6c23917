"""A small local cloud for the console: a real emulator with a function, queues and messages, and real tables."""

import io
import json
import zipfile
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from cdk_app.local.console.app import create_console
from cdk_app.local.ministack import MiniStack
from cdk_app.local.running import DeployedFunction, DeployedQueue, LocalCloud, RunningService
from tests.support.chromium import started_chromium
from tests.support.http_server import ThreadedServer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PARTITION = "CHANNEL#1"
PHONE: ViewportSize = {"width": 360, "height": 740}
EVIL = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
LINES_SECONDS = 20
# Chromium without windows, which opens none for each test: about half the CPU. Debian has it, others may not.

expect.set_options(timeout=30_000)  # machines that run tests are busy

# Prints the lines it is given, as our functions print theirs.
FUNCTION = """
import json

def handler(event, context):
    for line in event["lines"]:
        print(line if isinstance(line, str) else json.dumps(line), flush=True)
"""


@dataclass(frozen=True, slots=True)
class RunningConsole:
    """A console that is served, and the local cloud it shows."""

    url: str
    local_cloud: LocalCloud
    cloud: MiniStack

    @property
    def table(self) -> str:
        return self.local_cloud.services[0].table_names[0]

    @property
    def queue(self) -> DeployedQueue:
        return self.local_cloud.services[0].queues[0]

    @property
    def dead_letter_url(self) -> str:
        assert self.queue.dead_letter_url is not None
        return self.queue.dead_letter_url

    def run_function(self, *lines: dict[str, Any] | str) -> None:
        """Have the function write these lines to its log.

        The emulator waits for the first of them for 50 ms. On a busy machine they come later, and then with the lines
        of the next call.
        """
        functions = self.cloud.session.client("lambda", endpoint_url=self.cloud.url)
        name = self.local_cloud.services[0].functions[0].name
        wanted = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        log, payload = "", json.dumps({"lines": lines})
        deadline = monotonic() + LINES_SECONDS
        while monotonic() < deadline:
            answer = functions.invoke(FunctionName=name, LogType="Tail", Payload=payload)
            log += b64decode(answer["LogResult"]).decode()
            if all(line in log for line in wanted):
                return
            payload = json.dumps({"lines": []})
        raise AssertionError(f"the emulator lost lines of its function; its log: {log}")

    def serve_request(self, route: str, *, correlation_id: str, **figures: float) -> None:
        """Have the function log one request as served."""
        self.run_function(
            {
                "message": "request served",
                "level": "INFO",
                "method": "GET",
                "route": route,
                "status": 200,
                "correlation_id": correlation_id,
                **figures,
            }
        )


@pytest.fixture(scope="module")
def table(dynamodb_client: "DynamoDBClient") -> Iterator[str]:
    """Name of a table with an index; one item holds text that would like to be a script."""
    name = f"ConsoleTest-{uuid4().hex[:8]}"
    dynamodb_client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("PK", "SK", "GSI1PK", "GSI1SK")],
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "GSI1-index",
                "KeySchema": [
                    {"AttributeName": "GSI1PK", "KeyType": "HASH"},
                    {"AttributeName": "GSI1SK", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    channel = {"PK": PARTITION, "SK": PARTITION, "GSI1PK": "CHANNELS", "GSI1SK": "2026-11-20", "name": EVIL}
    videos = [{"PK": PARTITION, "SK": f"VIDEO#{number:03}", "title": f"Video {number}"} for number in range(60)]
    for item in (channel, *videos):
        dynamodb_client.put_item(TableName=name, Item={attribute: {"S": text} for attribute, text in item.items()})
    yield name
    dynamodb_client.delete_table(TableName=name)


@pytest.fixture(scope="module")
def console(cloud: MiniStack, dynamodb_client: "DynamoDBClient", table: str) -> Iterator[RunningConsole]:
    function = _create_function(cloud, "local-ConsoleTestApp-ApiFunction1A2B3C4D-XYZ")
    local_cloud = LocalCloud(
        services=(
            RunningService(
                name="ConsoleTest",
                title="Console Test",
                url="http://localhost:8001",
                functions=(function,),
                queues=(_create_queue(cloud, "Work"),),
                table_names=(table,),
            ),
        ),
        aws_endpoint=cloud.url,
        dynamodb_endpoint=dynamodb_client.meta.endpoint_url,
        console_url="http://localhost:8000",
        state_directory=Path("unused"),
    )
    with ThreadedServer(create_console(local_cloud)) as server:
        yield RunningConsole(server.url, local_cloud, cloud)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started_chromium() as chromium:
        yield chromium


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails its test when the browser complains: a script error, or a blocked resource."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield opened
    context.close()
    assert complaints == []


def _create_function(cloud: MiniStack, name: str) -> DeployedFunction:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", FUNCTION)
    cloud.session.client("lambda", endpoint_url=cloud.url).create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="app.handler",
        Role="arn:aws:iam::123456789012:role/function",
        Code={"ZipFile": code.getvalue()},
        MemorySize=256,
        Timeout=10,
    )
    return DeployedFunction(name=name, log_group=f"/aws/lambda/{name}")


def _create_queue(cloud: MiniStack, name: str) -> DeployedQueue:
    queues = cloud.session.client("sqs", endpoint_url=cloud.url)
    dead_letter_url = queues.create_queue(QueueName=f"{name}-dlq")["QueueUrl"]
    return DeployedQueue(name, queues.create_queue(QueueName=name)["QueueUrl"], dead_letter_url)
