"""Smoke check of AlgoItny: how it is, what everybody may read, and what somebody sees who is signed in.

That takes an access token in ALGOITNY_TOKEN, or on a machine of one's own a person of the stand-in of Google. Without
either the check reads what is public, and says so. It writes nothing but that sign-in, which it ends.
"""

import os
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from cdk_app.services.algoitny.google.world import SAMPLE_PEOPLE
from cdk_app.services.algoitny.samples import PAGE, code_of
from cdk_app.services.registry import ALGOITNY, GOOGLE
from cdk_app.services.smoke_steps import Steps

TOKEN_VARIABLE: Final = "ALGOITNY_TOKEN"  # noqa: S105 -- the name of it
TIMELINE: Final = "/api/history?scope=public&limit=1"


def check(steps: Steps) -> None:
    """Health, readiness, plans, timeline, and an account with its limits. Raises StepFailed; leaves nothing behind."""
    steps.step("health", "GET", "/api/health", status=200, expect=lambda body: body["status"] == "healthy")
    steps.step("ready", "GET", "/api/health/ready", status=200, expect=lambda body: body["status"] == "ready")
    steps.step("plans", "GET", "/api/auth/plans", status=200, expect=_has_plans)
    steps.step("timeline", "GET", TIMELINE, status=200, expect=lambda body: isinstance(body["results"], list))
    steps.token = os.environ.get(TOKEN_VARIABLE) or None
    session = None if steps.token or not steps.is_on_this_machine else _sign_in(steps)
    if session is not None:
        steps.token = str(session["access"])
    if steps.token is None:
        steps.warn("account", f"left out: put the access token of somebody who signed in into {TOKEN_VARIABLE}")
        return
    steps.step("account", "GET", "/api/account/me", status=200, expect=lambda body: body["is_active"] is True)
    steps.step("limits", "GET", "/api/account/plan-usage", status=200, expect=lambda body: bool(body["limits"]))
    if session is not None:
        steps.step("sign out", "POST", "/api/auth/logout", status=200, body={"refresh": session["refresh"]})


def _sign_in(steps: Steps) -> Any:
    """The session of a sample person; None where nothing stands in for Google."""
    port = (urlsplit(steps.url).port or 0) - ALGOITNY.local_port + GOOGLE.port
    try:
        code = code_of(f"http://localhost:{port}", SAMPLE_PEOPLE[0])
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
    body = {"code": code, "redirect_uri": PAGE}
    return steps.step("sign in", "POST", "/api/auth/google", status=200, body=body, expect=_is_session)


def _is_session(body: Any) -> bool:
    return bool(body["access"] and body["refresh"] and body["user"]["id"])


def _has_plans(body: Any) -> bool:
    """The one that everybody begins with is made by the first sign-in, or the first maintenance."""
    return all(plan["name"] != "Admin" for plan in body["plans"])
