"""BlueSky's servers: calls that are bounded in time and size, within the deadline of a sign-in, and live profiles."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.outside import Answer, AnswerTooLate, Call, Http, NoAnswer
from lambda_src.runtime.providers.decoded import Json, at, decode_or_none, text_at
from lambda_src.services.nbhd_city.errors import ProfileNotFound, UpstreamError, UpstreamTimeout, UpstreamUnavailable
from lambda_src.services.nbhd_city.models import INVALID_HANDLE, Did, LiveProfile

CONNECT_TIMEOUT_SECONDS: Final = 2.0
CALL_TIMEOUT_SECONDS: Final = 5.0
MAX_ANSWER_BYTES: Final = 65_536

# Who is asked, as logs and metrics call them. A document of `did:web` counts as the directory's.
AUTHORIZATION_SERVER: Final = "authorization server"
DID_DIRECTORY: Final = "DID directory"
PDS: Final = "PDS"
PUBLIC_API: Final = "BlueSky API"
_NOT_THERE: Final = frozenset({"InvalidRequest", "AccountTakedown", "AccountDeactivated"})


@dataclass(frozen=True, slots=True)
class Upstream:
    """Sends calls. A GET that got no answer, or one that says the server is out of order, is sent once more.

    name: of whom it asks.
    """

    http: Http
    name: str

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

        def ask() -> Answer:
            return self._send(url, Call(operation, "", _seconds(deadline), params=params or {}, address=address))

        try:
            answer = ask()
        except UpstreamUnavailable:
            return ask()
        return ask() if answer.status >= 500 else answer

    def post_form(
        self, operation: str, url: str, form: Mapping[str, str], *, deadline: Deadline, headers: Mapping[str, str]
    ) -> Answer:
        """The answer to a form, sent once: a code can be used once. Raises UpstreamTimeout, UpstreamUnavailable."""
        return self._send(url, Call(operation, "", _seconds(deadline), form=form, headers=headers))

    def _send(self, url: str, call: Call) -> Answer:
        try:
            return self.http.exchange(url, call, provider=self.name)
        except AnswerTooLate as exc:
            raise UpstreamTimeout from exc
        except NoAnswer as exc:
            raise UpstreamUnavailable from exc


@dataclass(frozen=True, slots=True)
class BlueSkyClient:
    """BlueSky's public API: profiles as they are now, without authorization.

    https://docs.bsky.app/docs/api/app-bsky-actor-get-profile
    """

    http: Http
    base_url: str

    def profile(self, did: Did, *, deadline: Deadline) -> LiveProfile:
        """The profile of an account now. 1 request, 2 when the first one fails.

        Raises ProfileNotFound, UpstreamError for an answer that cannot be used, UpstreamTimeout.
        """
        url = f"{self.base_url.rstrip('/')}/xrpc/app.bsky.actor.getProfile"
        answer = Upstream(self.http, PUBLIC_API).get("read profile", url, params={"actor": did}, deadline=deadline)
        body = decode_or_none(answer.content)
        if answer.status == 400 and text_at(body, "error") in _NOT_THERE:
            raise ProfileNotFound
        if answer.status != 200 or at(body, "did") != did:
            raise UpstreamError
        return LiveProfile(
            did=did,
            handle=text_at(body, "handle") or INVALID_HANDLE,
            displayName=text_at(body, "displayName"),
            description=text_at(body, "description"),
            avatar=text_at(body, "avatar"),
            banner=text_at(body, "banner"),
            followersCount=_count(body, "followersCount"),
            followsCount=_count(body, "followsCount"),
            postsCount=_count(body, "postsCount"),
        )


def is_out_of_order(answer: Answer) -> bool:
    """Whether a server cannot serve anybody just now, which says nothing of the request: busy, down or too slow."""
    return answer.status >= 500 or answer.status in {408, 425, 429}


def _seconds(deadline: Deadline) -> float:
    seconds = min(CALL_TIMEOUT_SECONDS, deadline.remaining_seconds())
    if seconds <= 0:
        raise UpstreamTimeout
    return seconds


def _count(body: Json, name: str) -> int:
    value = at(body, name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
