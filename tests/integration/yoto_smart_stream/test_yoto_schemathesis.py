"""Every operation of Yoto Smart Stream, asked with generated input: answered as the document says, never a 500."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config

from cdk_app.local.ministack import local_session
from lambda_src.runtime.objects import ObjectClient
from tests.support.generated_requests import statuses_of
from tests.support.yoto_accounts import OTHER_PASSWORD, PASSWORD, log_in, phc
from tests.support.yoto_smart_stream import PlayedHouse

FILE = "/api/audio/{filename}"
TEXT = f"{FILE}/transcript"
BODIES: dict[str, dict[str, Any]] = {
    "POST /api/user/login": {"username": "boss", "password": PASSWORD},
    "POST /api/user/password": {"current_password": PASSWORD, "new_password": OTHER_PASSWORD},
    "POST /api/admin/users": {"username": "john", "password": OTHER_PASSWORD},
    "PATCH /api/admin/users/{user_id}": {"email": "john@example.com"},
    "PUT /api/settings/{key}": {"value": "off"},
    "POST /api/audio/uploads": {"filename": "other.mp3", "size": 1},
    f"PUT {TEXT}": {"text": "Once upon a time"},
    f"PATCH {TEXT}": {"status": "failed", "error": None},
    f"POST {FILE}/transcribe": {"force": True},
}
OPERATIONS = [
    "GET /health",
    "GET /api/health",
    "GET /api/ready",
    "POST /api/user/refresh",
    "POST /api/user/logout",
    "GET /api/user/me",
    "GET /api/admin/users",
    "GET /api/admin/users/{user_id}",
    "DELETE /api/admin/users/{user_id}",
    "GET /api/settings",
    "GET /api/settings/{key}",
    "GET /api/audio/uploads/{upload_id}",
    "GET /api/audio",
    "GET /api/audio/search",
    f"GET {FILE}",
    f"DELETE {FILE}",
    f"GET {FILE}/url",
    f"POST {FILE}/play-link",
    f"GET {FILE}/play-link",
    f"DELETE {FILE}/play-link",
    "GET /play/{token}",
    f"GET {TEXT}",
    f"DELETE {TEXT}",
    f"POST {TEXT}/cancel",
    *BODIES,
]


@pytest.fixture
def objects() -> Iterator[ObjectClient]:
    """A bucket that nobody asks: its addresses are only signed here."""
    client = local_session().client("s3", region_name="us-east-1", config=Config(signature_version="s3v4"))
    yield ObjectClient("audio", lambda: client)
    client.close()


def test_the_document_lists_these(new_house):
    paths = new_house().api.get("/openapi.json").json()["paths"]
    assert {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods} == set(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_generated_requests_are_answered_as_the_document_says(new_house, objects, operation):
    house: PlayedHouse = new_house(objects=lambda _: objects)
    boss = house.admin("boss", hashed_password=phc(PASSWORD))
    other = house.admin("other")
    house.file("song.mp3", boss)
    session = log_in(house, "boss").json()
    ticket = house.ask("POST", "/api/audio/uploads", by=boss, json={"filename": "new.mp3", "size": 1}).json()
    link = house.ask("POST", "/api/audio/song.mp3/play-link", by=boss).json()["play_url"]
    if operation.endswith("/cancel"):
        assert house.ask("POST", "/api/audio/song.mp3/transcribe", by=boss).status_code == 202
    body = BODIES.get(operation)
    if operation in {"POST /api/user/refresh", "POST /api/user/logout"}:
        body = {"refresh_token": session["refresh_token"]}

    statuses = statuses_of(
        house.api,
        operation,
        body=body,
        headers={"Authorization": f"Bearer {session['access_token']}"},
        filename="song.mp3",
        user_id=str(other.user_id),
        key="transcription_enabled",
        upload_id=ticket["upload_id"],
        token=link.rpartition("/")[2],
    )

    assert statuses & {200, 201, 202, 204, 307}, f"no request got through: {statuses}"
