"""What the stand-in knows: its accounts, the sign-ins under way, what was asked, and what a test wants to go wrong."""

import secrets
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final, Literal

import httpx

from cdk_app.services.stand_ins.answers import Answer
from cdk_app.services.stand_ins.codes import Codes

type Endpoint = Literal["metadata", "par", "token", "basic_token", "directory", "pds", "profile"]

REQUEST_SECONDS: Final = 300
CALLS_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody with an account. foreign_issuer: the authorization server that their account's server names instead of
    this one.
    """

    did: str
    handle: str
    display_name: str
    description: str = ""
    foreign_issuer: str | None = None


SAMPLE_ACCOUNTS: Final = (
    Account(did="did:plc:alice", handle="alice.bsky.social", display_name="Alice", description="Gardens and maps."),
    Account(did="did:plc:bob", handle="bob.bsky.social", display_name="Bob", description="Mends bicycles."),
    Account(did="did:plc:carol", handle="carol.bsky.social", display_name="Carol"),
    Account(
        did="did:plc:mallory",
        handle="mallory.elsewhere.example",
        display_name="Mallory, whose server trusts somebody else",
        foreign_issuer="https://elsewhere.example",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An authorization request that was accepted. key_thumbprint: of its DPoP key; None in profile `basic`."""

    client_id: str
    redirect_uri: str
    state: str
    challenge: str
    expires_at: float
    login_hint: str = ""
    key_thumbprint: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """Something that was asked of a machine's endpoint. error: OAuth's name of what was wrong, "" for nothing."""

    endpoint: Endpoint
    status: int
    error: str = ""


def fetch_json(url: str) -> Mapping[str, Any]:
    """A document of a client. Raises ValueError when it cannot be had."""
    try:
        answer = httpx.get(url, timeout=10)
        body = answer.raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise ValueError(f"{url}: {error}") from error
    if not isinstance(body, dict):
        raise ValueError(f"{url} is no JSON object")  # noqa: TRY004 -- as for what is no JSON at all
    return body


class World:
    """State of one stand-in; its server's threads and a test's share it. seconds: the time since 1970.

    client_secret: what profile `basic` accepts, "" for whatever is not empty. fetch: reads a client's documents.
    """

    def __init__(
        self,
        *,
        accounts: tuple[Account, ...] = SAMPLE_ACCOUNTS,
        client_secret: str = "",
        seconds: Callable[[], float] = time.time,
        fetch: Callable[[str], Mapping[str, Any]] = fetch_json,
    ) -> None:
        self.accounts = {account.did: account for account in accounts}
        self.client_secret = client_secret
        self.seconds = seconds
        self.fetch = fetch
        self.codes = Codes[tuple[Request, Account]](seconds)
        self.calls: deque[Call] = deque(maxlen=CALLS_KEPT)
        self._lock = Lock()
        self._faults: defaultdict[Endpoint, deque[Answer]] = defaultdict(deque)
        self._pushed: dict[str, Request] = {}
        self._used_ids: dict[str, float] = {}
        self._nonces = deque([secrets.token_urlsafe(16)], maxlen=2)

    # ---- for tests -------------------------------------------------------------------------------------------------

    def order(self, endpoint: Endpoint, *faults: Answer) -> None:
        """The next calls of an endpoint get these answers, one each, before any rule is asked."""
        with self._lock:
            self._faults[endpoint].extend(faults)

    def rotate_nonces(self) -> None:
        """Make every DPoP nonce that was given out stale."""
        with self._lock:
            self._nonces.extend([secrets.token_urlsafe(16), secrets.token_urlsafe(16)])

    def errors(self, endpoint: Endpoint) -> list[str]:
        """What was wrong with the calls of an endpoint, in order, "" for those that were right."""
        return [call.error for call in list(self.calls) if call.endpoint == endpoint]

    # ---- for the rules ---------------------------------------------------------------------------------------------

    def take_fault(self, endpoint: Endpoint) -> Answer | None:
        with self._lock:
            waiting = self._faults[endpoint]
            return waiting.popleft() if waiting else None

    @property
    def nonce(self) -> str:
        """The newest DPoP nonce."""
        return self._nonces[-1]

    def is_nonce_good(self, nonce: object) -> bool:
        return nonce in self._nonces

    def use_id(self, jti: object, *, lifetime_seconds: float = REQUEST_SECONDS) -> bool:
        """Whether the id of a proof or assertion is used for the first time."""
        now = self.seconds()
        with self._lock:
            self._used_ids = {each: until for each, until in self._used_ids.items() if until > now}
            is_new = isinstance(jti, str) and bool(jti) and jti not in self._used_ids
            self._used_ids[str(jti)] = now + lifetime_seconds
            return is_new

    def push(self, request: Request) -> str:
        """Keep a request; the URI names it."""
        uri = f"urn:ietf:params:oauth:request_uri:{secrets.token_urlsafe(16)}"
        with self._lock:
            self._pushed[uri] = request
        return uri

    def pushed(self, uri: str) -> Request | None:
        """The request of a URI that is not over."""
        request = self._pushed.get(uri)
        return request if request is not None and request.expires_at > self.seconds() else None

    def issue_code(self, request_uri: str, account: Account) -> tuple[Request, str] | None:
        """A code for somebody who agreed; the request is used up. None when there is none any more."""
        request = self.pushed(request_uri)
        with self._lock:
            if request is None or self._pushed.pop(request_uri, None) is None:
                return None
        return request, self.codes.issue((request, account))

    def drop(self, request_uri: str) -> Request | None:
        """The request of somebody who refused; it is used up."""
        with self._lock:
            return self._pushed.pop(request_uri, None)

    def note(self, call: Call) -> None:
        self.calls.append(call)
