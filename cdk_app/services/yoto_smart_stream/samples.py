"""Two listeners and a dozen files that they upload as a page would, one of which is no music at all."""

from collections.abc import Mapping
from typing import Any, Final

import httpx

from cdk_app.services.planting import CONFLICT, TIMEOUT_SECONDS, Ground, accepted, api_at
from cdk_app.services.yoto_smart_stream.tunes import BROKEN, TUNES

UNAUTHORIZED: Final = httpx.codes.UNAUTHORIZED
LISTENERS: Final = {"mia": "mia likes dragons", "noah": "noah likes octopuses"}
"""Passwords of this machine by user name."""

type Headers = Mapping[str, str]


def plant(ground: Ground) -> None:
    """Make what is not there yet; who exists from the start is the administrator. Raises httpx.HTTPError.

    Whoever was made with a password has to choose another one; the administrator then chooses the printed one again.
    """
    [admin] = ground.accounts
    with api_at(ground.url) as api:
        for_now = _other(admin.password)
        boss = _signed_in(api, admin.username, own=for_now, first=admin.password)
        accepted(api.post("/api/user/password", json=_change(for_now, admin.password), headers=boss))
        boss = _signed_in(api, admin.username, own=admin.password, first=for_now)
        people = [_listener(api, boss, name, password) for name, password in LISTENERS.items()]
        files = [*((tune.filename, tune.wav()) for tune in TUNES), BROKEN]
        for number, (filename, content) in enumerate(files):
            _upload(api, people[number % len(people)], filename, content)


def _listener(api: httpx.Client, boss: Headers, name: str, password: str) -> Headers:
    first = _other(password)
    new = {"username": name, "password": first, "email": f"{name}@example.com"}
    accepted(api.post("/api/admin/users", json=new, headers=boss))
    return _signed_in(api, name, own=password, first=first)


def _signed_in(api: httpx.Client, username: str, *, own: str, first: str) -> Headers:
    """Headers of somebody whose password is their own one by now."""
    login = "/api/user/login"
    answer = api.post(login, json={"username": username, "password": own})
    if answer.status_code == UNAUTHORIZED:
        answer = api.post(login, json={"username": username, "password": first})
        headers = _bearer(accepted(answer))
        answer = api.post("/api/user/password", json=_change(first, own), headers=headers)
    return _bearer(accepted(answer))


def _upload(api: httpx.Client, person: Headers, filename: str, content: bytes) -> None:
    answer = api.post("/api/audio/uploads", json={"filename": filename, "size": len(content)}, headers=person)
    if answer.status_code == CONFLICT:
        return
    form = accepted(answer)["upload"]
    sent = httpx.post(
        form["url"], data=form["fields"], files={"file": content}, timeout=TIMEOUT_SECONDS, trust_env=False
    )
    sent.raise_for_status()


def _other(password: str) -> str:
    return f"{password} for now"


def _change(current: str, new: str) -> dict[str, str]:
    return {"current_password": current, "new_password": new}


def _bearer(answer: Mapping[str, Any]) -> Headers:
    return {"Authorization": f"Bearer {answer['access_token']}"}
