"""Smoke check of nbhd.city: a neighborhood of a random name is made and deleted at once.

Writing takes somebody who is signed in: an access token in NBHD_TOKEN, or on a machine of one's own the test user of
the local cloud. Without either the check only reads, and says so.
"""

import os
import secrets
from typing import Final

from cdk_app.services.smoke_steps import StepFailed, Steps

TOKEN_VARIABLE: Final = "NBHD_TOKEN"  # noqa: S105 -- the name of it
NEIGHBORHOODS: Final = "/api/nbhds"
# A deployed test login has other users; these are those of `make run`.
LOCAL_USER: Final = {"username": "alice", "password": "alice"}


def check(steps: Steps) -> None:
    """Health, readiness, the list, and a neighborhood that comes and goes. Raises StepFailed; leaves nothing behind."""
    steps.step("health", "GET", "/health", status=200, expect=lambda body: body["status"] == "healthy")
    steps.step("ready", "GET", "/health/ready", status=200, expect=lambda body: body["status"] == "ready")
    steps.step("read", "GET", f"{NEIGHBORHOODS}?limit=1", status=200, expect=lambda body: isinstance(body, list))
    steps.token = os.environ.get(TOKEN_VARIABLE) or None
    if steps.token is None and steps.is_on_this_machine:
        answer = steps.step("sign in", "POST", "/auth/test-login", status=200, body=LOCAL_USER, expect=_is_token)
        steps.token = str(answer["access_token"])
    if steps.token is None:
        steps.warn("write", f"left out: put the access token of somebody who signed in into {TOKEN_VARIABLE}")
        return
    _write_and_delete(steps)


def _write_and_delete(steps: Steps) -> None:
    name = f"Smoke check {secrets.token_hex(16)}"  # 128 random bits: nobody has this name
    nbhd_id = None
    try:
        created = steps.step(
            "write",
            "POST",
            NEIGHBORHOODS,
            status=201,
            body={"name": name},
            expect=lambda body: body["name"] == name and body["member_count"] == 1 and bool(body["id"]),
        )
        nbhd_id = str(created["id"])
        address = f"{NEIGHBORHOODS}/{nbhd_id}"
        steps.step("delete", "DELETE", address, status=204)
        steps.step("is gone", "GET", address, status=404, expect=lambda body: body["code"] == "nbhd_not_found")
    except BaseException as failure:  # Ctrl-C, too
        # A refusal made no neighborhood: one of this name, however unlikely, is somebody's own.
        if nbhd_id or not (isinstance(failure, StepFailed) and failure.was_refused):
            _clean_up(steps, name, nbhd_id)
        raise


def _clean_up(steps: Steps, name: str, nbhd_id: str | None) -> None:
    """Delete what a step that failed may have left; only ever the neighborhood of this check, known by its name."""
    try:
        nbhd_id = nbhd_id or _find(steps, name)
        if nbhd_id is not None:
            steps.step("clean up", "DELETE", f"{NEIGHBORHOODS}/{nbhd_id}", status=204, or_status=404)
    except StepFailed:
        steps.warn("clean up", f"may have left a neighborhood behind: delete the one that is called `{name}`")


def _find(steps: Steps, name: str) -> str | None:
    """The id of the neighborhood if it was made after all: its answer may have been lost. The look-up misses none."""
    query = f"name={name.replace(' ', '%20')}"
    found = steps.step(
        "look for remains",
        "GET",
        f"{NEIGHBORHOODS}?{query}",
        status=200,
        expect=lambda body: all(each["name"] == name and each["id"] for each in body),
    )
    return str(found[0]["id"]) if found else None


def _is_token(body: dict[str, str]) -> bool:
    return bool(body["access_token"])
