"""Two listeners and a dozen tunes that they upload as a page would, one of which is no music at all."""

from collections.abc import Mapping
from typing import Any, Final

import httpx

from cdk_app.services.yoto_smart_stream.tunes import BROKEN, TUNES

TIMEOUT_SECONDS: Final = 30
CONFLICT: Final = httpx.codes.CONFLICT  # it is there already
LISTENERS: Final = {"mia": "mia likes dragons", "noah": "noah likes octopuses"}
"""Passwords of this machine by user name."""


def plant(url: str, admin: Mapping[str, str]) -> None:
    """Make what is not there yet. url: of the API. admin: `username` and `password` of the first administrator.

    Nobody has to choose another password on this machine: everybody chooses the one they have. Raises httpx.HTTPError.
    """
    with httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS, trust_env=False) as api:
        boss = _signed_in(api, admin["username"], admin["password"])
        for name, password in LISTENERS.items():
            new = {"username": name, "password": password, "email": f"{name}@example.com"}
            _accepted(api.post("/api/admin/users", json=new, headers=boss))
        people = [_signed_in(api, name, password) for name, password in LISTENERS.items()]
        files = [*((tune.filename, tune.wav()) for tune in TUNES), BROKEN]
        for number, (filename, content) in enumerate(files):
            _upload(api, people[number % len(people)], filename, content)


def _upload(api: httpx.Client, person: Mapping[str, str], filename: str, content: bytes) -> None:
    answer = api.post("/api/audio/uploads", json={"filename": filename, "size": len(content)}, headers=person)
    if answer.status_code == CONFLICT:
        return
    form = _accepted(answer)["upload"]
    httpx.post(
        form["url"], data=form["fields"], files={"file": content}, timeout=TIMEOUT_SECONDS, trust_env=False
    ).raise_for_status()


def _signed_in(api: httpx.Client, username: str, password: str) -> dict[str, str]:
    answer = _accepted(api.post("/api/user/login", json={"username": username, "password": password}))
    if answer["user"]["must_change_password"]:
        same = {"current_password": password, "new_password": password}
        headers = {"Authorization": f"Bearer {answer['access_token']}"}
        answer = _accepted(api.post("/api/user/password", json=same, headers=headers))
    return {"Authorization": f"Bearer {answer['access_token']}"}


def _accepted(answer: httpx.Response) -> Any:
    """The body of an answer that says: done, or done before."""
    if answer.status_code != CONFLICT:
        answer.raise_for_status()
    return answer.json()
