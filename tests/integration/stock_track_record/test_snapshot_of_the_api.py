"""What SnapStart freezes: a function that is ready and connected to nothing, whose copies have nothing in common."""

import json
import uuid
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lambda_src.dynamo.render import create_table_input
from lambda_src.runtime.settings import environment_of
from lambda_src.services.stock_track_record.tables import TABLES
from tests.support.assembly import run_python
from tests.support.http_server import ThreadedServer
from tests.support.snapshot_process import WITHOUT_HOOKS
from tests.support.stock_track_record import Applications

API = "lambda_src.services.stock_track_record.api"

pytestmark = pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="reads the open files of a process")


class Aws:
    """Secrets Manager and SQS as far as the function could ask them while it starts. asked: what it did ask."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.server = ThreadedServer(Starlette(routes=[Route("/", self._answer, methods=["POST"])]))

    async def _answer(self, request: Request) -> Response:
        self.asked.append(request.headers.get("x-amz-target", "?"))
        if self.asked[-1] == "secretsmanager.GetSecretValue":
            return JSONResponse({"Name": "cursor", "SecretString": json.dumps({"current": "k" * 64})})
        return JSONResponse({"MessageId": "1"})


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    aws = Aws()
    yield aws
    aws.server.stop()


@pytest.fixture(scope="module")
def app(dynamodb_client) -> Iterator[Applications]:
    """Three channels: a list that goes on, so that its first page would need a signed cursor."""
    names = {table.name: f"{table.base_name}-{uuid.uuid4()}" for table in TABLES}
    for table in TABLES:
        dynamodb_client.create_table(**create_table_input(table, names[table.name]))
    app = Applications(client=dynamodb_client, names=names)
    for number in range(3):
        app.add(f"https://www.youtube.com/@Channel{number}")
    yield app
    app.stop()
    for name in names.values():
        dynamodb_client.delete_table(TableName=name)


@pytest.fixture(scope="module")
def frozen(app, aws, dynamodb_endpoint):
    """`frozen()` starts the function as Lambda does before a snapshot, and copies it twice. 2 s, once per kind."""

    @cache
    def start(*options: str, kind: str = "snap-start") -> dict[str, Any]:
        settings = app.api_settings.model_copy(update={"dynamodb_endpoint": dynamodb_endpoint})
        done = run_python(
            "-m",
            "tests.support.snapshot_process",
            API,
            *options,
            variables={
                **environment_of(settings),
                "AWS_LAMBDA_INITIALIZATION_TYPE": kind,
                "AWS_ENDPOINT_URL": aws.server.url,
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": "local",
                "AWS_SECRET_ACCESS_KEY": "local",
            },
        )
        assert done.returncode == 0, done.stderr
        result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return result

    return start


def test_nothing_is_connected_although_a_request_was_served(frozen):
    process = frozen()
    assert process["requests"] >= 1
    assert process["connections"] == []


def test_outside_a_snapshot_the_connection_stays(frozen):
    """The control: what the test above looks for is there when nobody closes it."""
    assert frozen(kind="on-demand")["connections"]


def test_no_secret_was_read_while_the_function_started(frozen, aws):
    frozen()
    assert "secretsmanager.GetSecretValue" not in aws.asked


def test_copies_have_no_id_token_or_random_number_in_common(frozen):
    one, other = frozen()["copies"]
    assert one["status"] == other["status"] == 201
    for name in ("request_id", "channel_id", "jitter"):
        assert one[name] != other[name], name
    assert one["transaction_tokens"]
    assert not set(one["transaction_tokens"]) & set(other["transaction_tokens"])


def test_copies_that_are_not_told_of_their_restoration_draw_the_same_numbers(frozen):
    """The control: the state of `random` is part of the snapshot."""
    one, other = frozen(WITHOUT_HOOKS)["copies"]
    assert one["jitter"] == other["jitter"]
    assert one["channel_id"] != other["channel_id"], "UUIDs come from the system"


def test_nobody_keeps_a_generator_that_is_not_seeded_anew(frozen):
    assert frozen()["users_of_random"] == []


def test_a_copy_knows_what_time_it_is(frozen):
    for copy in frozen()["copies"]:
        resumed, created = (datetime.fromisoformat(copy[name]) for name in ("resumed_at", "created_at"))
        assert 0 <= (created - resumed.replace(microsecond=resumed.microsecond // 1000 * 1000)).total_seconds() < 30
