"""Calls to BlueSky's servers: bounded in time and size, one after the other, within the deadline of a sign-in."""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.outside import Answer, AnswerTooLate, Call, Http, NoAnswer, Observe, observe_nothing
from lambda_src.services.nbhd_city.errors import UpstreamTimeout, UpstreamUnavailable

CONNECT_TIMEOUT_SECONDS: Final = 2.0
CALL_TIMEOUT_SECONDS: Final = 5.0
MAX_ANSWER_BYTES: Final = 65_536

# Who is asked, as logs and metrics call them. A document of `did:web` counts as the directory's.
AUTHORIZATION_SERVER: Final = "authorization server"
DID_DIRECTORY: Final = "DID directory"
PDS: Final = "PDS"
PUBLIC_API: Final = "BlueSky API"


def make_http(observe: Observe = observe_nothing) -> Http:
    """The client for all of BlueSky's servers. It connects at its first call. observe: told of every call."""
    return Http(connect_timeout_seconds=CONNECT_TIMEOUT_SECONDS, max_answer_bytes=MAX_ANSWER_BYTES, observe=observe)


class Upstream:
    """Sends calls. A GET that got no answer, or one that says the server is out of order, is sent once more.

    name: of whom it asks.
    """

    def __init__(self, http: Http, name: str) -> None:
        self._http = http
        self._name = name

    def get(
        self,
        operation: str,
        url: str,
        *,
        deadline: Deadline,
        params: Mapping[str, str] | None = None,
        address: str | None = None,
    ) -> Answer:
        """The answer to a GET. Raises UpstreamTimeout, UpstreamUnavailable. 1 or 2 requests."""
        origin, path = _split(url)

        def ask() -> Answer:
            call = Call(operation, path, _seconds(deadline), params=params or {}, address=address)
            return self._send(origin, call)

        try:
            answer = ask()
        except UpstreamUnavailable:
            return ask()
        return ask() if answer.status >= 500 else answer

    def post_form(
        self, operation: str, url: str, form: Mapping[str, str], *, deadline: Deadline, headers: Mapping[str, str]
    ) -> Answer:
        """The answer to a form, sent once: a code can be used once. Raises UpstreamTimeout, UpstreamUnavailable."""
        origin, path = _split(url)
        return self._send(origin, Call(operation, path, _seconds(deadline), form=form, headers=headers))

    def _send(self, origin: str, call: Call) -> Answer:
        try:
            return self._http.exchange(origin, call, provider=self._name)
        except AnswerTooLate as exc:
            raise UpstreamTimeout from exc
        except NoAnswer as exc:
            raise UpstreamUnavailable from exc


def json_object(answer: Answer) -> dict[str, Any]:
    """The body as a JSON object, empty for anything else: what is then missing is found missing."""
    try:
        body = json.loads(answer.content)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def text_in(body: Mapping[str, Any], name: str) -> str | None:
    """A text that is not empty, else None."""
    value = body.get(name)
    return value if isinstance(value, str) and value else None


def _split(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}", f"{parts.path}{query}"


def _seconds(deadline: Deadline) -> float:
    seconds = min(CALL_TIMEOUT_SECONDS, deadline.remaining_seconds())
    if seconds <= 0:
        raise UpstreamTimeout
    return seconds
