"""Smoke check of Yoto Smart Stream: a short tune of a random name is uploaded, played and deleted again.

That takes somebody who is signed in: name and password in YOTO_USER and YOTO_PASSWORD, or on a machine of one's own a
listener of the samples. Without either the check only asks how the service is, and says so. Where transcription is
switched on, a provider is asked for the text of two seconds of music.
"""

import os
import secrets
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote, urlsplit

from cdk_app.services.smoke_steps import StepFailed, Steps
from cdk_app.services.yoto_smart_stream.samples import LISTENERS
from cdk_app.services.yoto_smart_stream.tunes import TUNES

USER_VARIABLE: Final = "YOTO_USER"
PASSWORD_VARIABLE: Final = "YOTO_PASSWORD"  # noqa: S105 -- the name of it
AUDIO: Final = "/api/audio"
UPLOADS: Final = f"{AUDIO}/uploads"
WAIT_SECONDS: Final = 60.0  # an event, a message and a cold start
UNDER_WAY: Final = "pending"


def check(steps: Steps) -> None:
    """Health, readiness, and a tune that comes and goes. Raises StepFailed; leaves nothing behind."""
    steps.step("health", "GET", "/api/health", status=200, expect=lambda body: body["status"] == "healthy")
    steps.step("ready", "GET", "/api/ready", status=200, expect=lambda body: body["ready"] is True)
    session = _sign_in(steps)
    if session is None:
        text = f"left out: put name and password of a user into {USER_VARIABLE} and {PASSWORD_VARIABLE}"
        steps.warn("upload", text)
        return
    steps.token = str(session["access_token"])
    try:
        SmokeTune(steps).come_and_go()
    except BaseException:  # Ctrl-C, too
        _sign_out(steps, session, is_failing=True)
        raise
    _sign_out(steps, session, is_failing=False)


def _sign_in(steps: Steps) -> Any:
    """The session of who the variables name, or of a sample of this machine where there is one; else None."""
    username, password = os.environ.get(USER_VARIABLE), os.environ.get(PASSWORD_VARIABLE)
    may_be_missing = not (username and password)
    if may_be_missing:
        if not steps.is_on_this_machine:
            return None
        username, password = next(iter(LISTENERS.items()))
    answer = steps.step(
        "sign in",
        "POST",
        "/api/user/login",
        status=200,
        or_status=401 if may_be_missing else None,
        body={"username": username, "password": password},
        expect=lambda body: body.get("code") == "invalid_credentials" or _can_do_something(body),
    )
    return answer if "access_token" in answer else None


def _can_do_something(body: Any) -> bool:
    return bool(body["access_token"] and body["refresh_token"]) and body["user"]["must_change_password"] is False


def _sign_out(steps: Steps, session: Any, *, is_failing: bool) -> None:
    """End the sign-in of this check. Where something failed already, that stays what is told."""
    try:
        steps.step("sign out", "POST", "/api/user/logout", status=204, body={"refresh_token": session["refresh_token"]})
    except StepFailed:
        if not is_failing:
            raise


class SmokeTune:
    """A file of this check alone, from its ticket to its end."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._name = f"Smoke check {secrets.token_hex(16)}.wav"  # 128 random bits: nobody has a file of this name
        self._content = TUNES[0].wav()
        self._path = f"{AUDIO}/{quote(self._name)}"
        self._upload: str | None = None  # the path of what may have reached storage

    def come_and_go(self) -> None:
        """Raises StepFailed, after everything was taken back that could be."""
        try:
            self._come()
            self._steps.step("delete", "DELETE", self._path, status=204)
            self._steps.step("is gone", "GET", self._path, status=404, expect=_is_unknown)
        except BaseException:  # Ctrl-C, too
            self._clean_up()
            raise

    def _come(self) -> None:
        steps = self._steps
        ticket = steps.step(
            "ticket",
            "POST",
            UPLOADS,
            status=201,
            body={"filename": self._name, "size": len(self._content)},
            expect=lambda body: body["filename"] == self._name and bool(body["upload_id"] and body["upload"]["url"]),
        )
        self._upload = f"{UPLOADS}/{ticket['upload_id']}"
        self._send(ticket["upload"])
        steps.wait("is taken", self._upload, until=_is_settled, expect=_is_completed, seconds=WAIT_SECONDS)
        steps.step(
            "transcript",
            "GET",
            f"{self._path}/transcript",
            status=200,
            expect=lambda body: body["filename"] == self._name and bool(body["status"]),
        )
        link = steps.step(
            "play link", "POST", f"{self._path}/play-link", status=201, expect=lambda body: "/play/" in body["play_url"]
        )
        steps.follow("play", urlsplit(link["play_url"]).path, to=self._content)

    def _send(self, form: Any) -> None:
        try:
            self._steps.send_form("upload", form["url"], form["fields"], self._content, status=204)
        except StepFailed as failure:
            if failure.was_refused:
                self._upload = None
            raise

    def _clean_up(self) -> None:
        """Delete what a step that failed may have left. What is in storage becomes a file in a while, so that first."""
        steps, is_sure = self._steps, True
        if self._upload is not None:
            is_sure = _is_done(
                lambda path: steps.wait("look for remains", path, until=_is_settled, seconds=WAIT_SECONDS), self._upload
            )
        is_gone = _is_done(lambda path: steps.step("clean up", "DELETE", path, status=204, or_status=404), self._path)
        if not (is_sure and is_gone):
            steps.warn("clean up", f"may have left a file behind: delete the one that is called `{self._name}`")


def _is_settled(body: Any) -> bool:
    return bool(body["state"] != UNDER_WAY)


def _is_completed(body: Any) -> bool:
    return bool(body["state"] == "completed")


def _is_done(step: Callable[[str], Any], path: str) -> bool:
    """Whether a step of cleaning up went well; another one may go well in any case."""
    try:
        step(path)
    except StepFailed:
        return False
    return True


def _is_unknown(body: Any) -> bool:
    return bool(body["code"] == "audio_not_found")
