"""The check after a deployment of Yoto Smart Stream, against the real API and against one that fails at each step."""

import asyncio
from datetime import UTC, datetime

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from typer.testing import CliRunner, Result

from cdk_app.operations.smoke import app as command
from cdk_app.services.yoto_smart_stream import smoke as yoto
from cdk_app.services.yoto_smart_stream.samples import LISTENERS
from tests.support.failing_api import Failing
from tests.support.http_server import ThreadedServer
from tests.support.yoto_accounts import PASSWORD, phc
from tests.support.yoto_uploads import Studio, event_of

PATIENCE_SECONDS = 2.0
TUNE = ["ticket", "upload", "is taken", "transcript", "play link", "play", "play", "delete", "is gone"]
STEPS = ["health", "ready", "sign in", *TUNE, "sign out"]


class Announcing:
    """The API, with a worker that is told of everything in storage when somebody asks for an upload.

    late: how often somebody has asked before that.
    """

    def __init__(self, studio: Studio, *, late: int = 0) -> None:
        self._studio = studio
        self._late = late

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"].startswith("/api/audio/uploads/"):
            if self._late == 0:
                await asyncio.to_thread(self._announce)
            self._late = max(0, self._late - 1)
        app: ASGIApp = self._studio.house.app
        await app(scope, receive, send)

    def _announce(self) -> None:
        bucket = self._studio.bucket
        for number, each in enumerate(bucket.listed("uploads/"), start=1):
            assert self._studio.house.deliver(event_of(bucket.bucket, each.key, number)) == []


@pytest.fixture
def studio(new_studio, bucket, monkeypatch) -> Studio:
    """With a listener of the samples and one more; storage takes its signatures, which are of now."""
    monkeypatch.setattr(yoto, "WAIT_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr("cdk_app.services.smoke_steps.PAUSE_SECONDS", 0.05)
    made: Studio = new_studio()
    made.clock.now = datetime.now(UTC)
    for name, password in ((*next(iter(LISTENERS.items())),), ("carol", PASSWORD)):
        made.house.user(name, hashed_password=phc(password))
    for each in bucket.listed(""):
        bucket.delete(each.key)
    return made


def smoke(url: str, user: str = "", password: str = "") -> Result:
    arguments = [url, "--service", "YotoSmartStream", "--step-seconds", str(PATIENCE_SECONDS)]
    variables = {yoto.USER_VARIABLE: user, yoto.PASSWORD_VARIABLE: password}
    return CliRunner().invoke(command, arguments, env=variables)


def smoked(app: ASGIApp, *account: str) -> Result:
    with ThreadedServer(app) as server:
        return smoke(server.url, *account)


def steps(result: Result) -> list[str]:
    """The names of the steps, as far as they were printed."""
    return [line[7:29].strip() for line in result.output.splitlines() if line.startswith(("ok ", "FAILED ", "! "))]


def check_nothing_left(studio: Studio) -> None:
    """No file, link, sign-in or upload; objects of deleted files go with the message that waits."""
    assert {item.get("entity") for item in studio.house.items()} <= {
        "user", "user_id_claim", "id_counter", "upload", "job",
    }  # fmt: skip
    assert studio.house.deliver(*studio.house.queue.take()) == []
    assert studio.bucket.listed("") == []


def test_on_this_machine_a_listener_of_the_samples_uploads_plays_and_deletes(studio):
    result = smoked(Announcing(studio))
    assert result.exit_code == 0, result.output
    assert steps(result) == STEPS
    check_nothing_left(studio)


def test_a_given_user_does_so_anywhere_and_nothing_secret_is_shown(studio, monkeypatch):
    monkeypatch.setattr("cdk_app.services.smoke_steps.OWN_NAMES", frozenset())
    result = smoked(Announcing(studio), "carol", PASSWORD)
    assert result.exit_code == 0, result.output
    assert steps(result) == STEPS
    for secret in (PASSWORD, "X-Amz", "media/", "Bearer", "eyJ"):
        assert secret not in result.output
    check_nothing_left(studio)


def test_elsewhere_and_without_a_user_it_only_asks_and_says_so(studio, monkeypatch):
    monkeypatch.setattr("cdk_app.services.smoke_steps.OWN_NAMES", frozenset())
    result = smoked(Announcing(studio))
    assert result.exit_code == 0, result.output
    assert steps(result) == ["health", "ready", "upload"]
    assert "left out: put name and password of a user into YOTO_USER and YOTO_PASSWORD" in result.output


def test_on_this_machine_without_samples_it_only_asks(studio, monkeypatch):
    monkeypatch.setattr(yoto, "LISTENERS", {"nobody": PASSWORD})
    result = smoked(Announcing(studio))
    assert result.exit_code == 0, result.output
    assert steps(result) == ["health", "ready", "sign in", "upload"]


def test_a_user_who_is_refused_is_a_failure(studio):
    result = smoked(Announcing(studio), "carol", "wrong")
    assert result.exit_code == 1
    assert "FAILED sign in" in result.output
    assert "invalid_credentials" in result.output


def test_a_user_without_a_password_of_their_own_is_a_failure(studio):
    studio.house.user("dora", hashed_password=phc(PASSWORD), must_change_password=True)
    result = smoked(Announcing(studio), "dora", PASSWORD)
    assert (result.exit_code, "FAILED sign in" in result.output) == (1, True)


def test_an_upload_that_is_no_audio_is_a_failure_and_leaves_nothing(studio, monkeypatch):
    monkeypatch.setattr("cdk_app.services.yoto_smart_stream.tunes.Tune.wav", lambda _: b"%PDF-1.7")
    result = smoked(Announcing(studio))
    assert (result.exit_code, "FAILED is taken" in result.output) == (1, True)
    assert "not_audio" in result.output
    check_nothing_left(studio)


@pytest.mark.parametrize(
    ("step", "method", "path", "fault"),
    [
        ("health", "GET", "/api/health", "500"),
        ("ready", "GET", "/api/ready", "other body"),
        ("sign in", "POST", "/api/user/login", "500"),
        ("ticket", "POST", "/api/audio/uploads", "500"),
        ("ticket", "POST", "/api/audio/uploads", "hang"),
        ("is taken", "GET", "/api/audio/uploads/", "500"),
        ("transcript", "GET", "/api/audio/Smoke", "500"),
        ("play link", "POST", "/api/audio/Smoke", "500"),
        ("play link", "POST", "/api/audio/Smoke", "hang"),
        ("play", "GET", "/play/", "500"),
        ("play", "GET", "/play/", "page"),
        ("delete", "DELETE", "/api/audio/Smoke", "hang"),
    ],
)
def test_the_first_failure_is_named_and_nothing_is_left(studio, step, method, path, fault):
    """The request takes effect and its answer is lost: the worst case for whoever has to clean up."""
    result = smoked(Failing(Announcing(studio), method, path, fault, after=True))
    assert result.exit_code == 1
    assert f"FAILED {step} " in result.output
    assert result.output.endswith(f"step `{step}` failed\n")
    signed_in = [item for item in studio.house.items() if item["SK"] == "TOKEN"]
    assert len(signed_in) == (step == "sign in"), "one whose tokens got lost ends by itself"
    assert [item for item in studio.house.items() if item.get("entity") in {"audio", "play_link"}] == []


def test_a_file_that_cannot_be_deleted_is_named(studio):
    result = smoked(Failing(Announcing(studio), "DELETE", "/api/audio/Smoke", "500", after=False))
    [left] = [item["filename"] for item in studio.house.items() if item.get("entity") == "audio"]
    assert result.exit_code == 1
    assert f"delete the one that is called `{left}`" in result.output


def test_a_file_that_comes_late_is_waited_for_and_deleted(studio, monkeypatch):
    monkeypatch.setattr(yoto, "WAIT_SECONDS", 0.0)
    result = smoked(Announcing(studio, late=1))
    assert (result.exit_code, "FAILED is taken" in result.output) == (1, True)
    assert steps(result)[-3:] == ["look for remains", "clean up", "sign out"]
    check_nothing_left(studio)


def test_a_file_that_may_still_come_is_named(studio):
    result = smoked(studio.house.app)  # no worker is told
    assert (result.exit_code, "FAILED is taken" in result.output) == (1, True)
    assert "delete the one that is called `Smoke check " in result.output


def test_another_tune_than_the_one_that_was_sent_is_a_failure(studio, monkeypatch):
    read = studio.objects.sign

    def another(key, **options):
        studio.bucket.put(key, b"another", content_type="audio/wav")
        return read(key, **options)

    monkeypatch.setattr(type(studio.objects), "sign", lambda _, key, **options: another(key, **options))
    result = smoked(Announcing(studio))
    assert (result.exit_code, "FAILED play" in result.output) == (1, True)
    assert "7 bytes, which are others" in result.output
