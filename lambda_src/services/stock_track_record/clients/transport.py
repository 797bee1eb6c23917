"""How we talk to outside services: one httpx client per process, bounded calls, keys that never reach a log.

Http              sends one call; a call that gets no answer is ProviderUnavailable
Provider          a service: base URL, repeats of short calls
  KeyedProvider     a service that wants a key: reads it late, once more when it is refused
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Final, Protocol

from lambda_src.services.stock_track_record.clients.decoded import Json, decode
from lambda_src.services.stock_track_record.errors import (
    KeyRejected,
    MalformedAnswer,
    ProviderDisabled,
    ProviderThrottled,
    ProviderUnavailable,
)

if TYPE_CHECKING:
    import httpx

logger = logging.getLogger(__name__)

_CONNECT_TIMEOUT_SECONDS: Final = 5.0
_REPEATED_UP_TO_SECONDS: Final = 10.0  # longer calls are repeated by bringing their message back
_MAX_BODY_BYTES: Final = 8_000_000  # the longest answer we know, 50 playlist items, is below 0.5 MB


class ApiKeys(Protocol):
    """Where keys of outside services come from."""

    def get(self, name: str, *, default: str) -> str:
        """The key of that name, `default` when there is none. An empty text counts as none."""
        ...

    def refresh(self) -> None:
        """Look for newer keys at the next `get`."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One request. operation: what logs call it. body: sent as JSON by POST, else it is a GET."""

    operation: str
    path: str
    timeout_seconds: float
    params: Mapping[str, str] = field(default_factory=dict, repr=False)  # one service wants its key here
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, object] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)

    def json(self) -> Json:
        """The decoded body, its fractions as Decimal. Raises MalformedAnswer."""
        try:
            return decode(self.content)
        except ValueError as exc:
            raise MalformedAnswer from exc

    def json_or_none(self) -> Json:
        """The decoded body of an error, None when it is no JSON."""
        try:
            return decode(self.content)
        except ValueError:
            return None


class Http:
    """Sends calls of all providers. Connects at the first call, so that none is open in a snapshot.

    repeats: how often a call of at most 10 s is repeated after a transient failure, 1, 2, 4, ... s apart; 0 where
    somebody waits for the answer. transport, sleep and monotonic are for tests.
    """

    def __init__(
        self,
        *,
        repeats: int = 0,
        transport: "httpx.BaseTransport | None" = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.repeats = repeats
        self.sleep = sleep
        self._transport = transport
        self._monotonic = monotonic
        self._client: httpx.Client | None = None

    def send(self, base_url: str, call: Call, *, provider: str) -> Answer:
        """Send one call and read its whole answer, in at most about its timeout.

        Raises ProviderUnavailable when no complete answer came in time. 1 request.
        """
        import httpx  # noqa: PLC0415 -- 40 ms that only calls to outside services pay for

        started = self._monotonic()
        try:
            answer = self._exchange(base_url.rstrip("/") + call.path, call, ends_at=started + call.timeout_seconds)
        except httpx.RequestError as exc:
            logger.warning("upstream failed", extra=self._facts(provider, call, started, error=type(exc).__name__))
            raise ProviderUnavailable(f"{provider} did not answer") from exc
        logger.info("upstream answered", extra=self._facts(provider, call, started, status=answer.status))
        return answer

    def close(self) -> None:
        """Close every connection; the next call connects anew. For tests, and before a snapshot is taken."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _exchange(self, url: str, call: Call, *, ends_at: float) -> Answer:
        """The whole answer. A body that drips is cut here: httpx bounds each read, not their sum."""
        import httpx  # noqa: PLC0415

        request = self._open().build_request(
            "GET" if call.body is None else "POST",
            url,
            params=call.params or None,
            headers=call.headers,
            json=call.body,
            timeout=httpx.Timeout(call.timeout_seconds, connect=min(_CONNECT_TIMEOUT_SECONDS, call.timeout_seconds)),
        )
        response = self._open().send(request, stream=True)
        try:
            content = bytearray()
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > _MAX_BODY_BYTES:
                    raise httpx.ReadError("The answer is too long", request=request)
                if self._monotonic() > ends_at:
                    raise httpx.ReadTimeout("The answer takes too long", request=request)
            return Answer(response.status_code, dict(response.headers), bytes(content))
        finally:
            response.close()

    def _open(self) -> "httpx.Client":
        if self._client is None:
            import httpx  # noqa: PLC0415

            # httpx logs whole URLs at INFO, and Alpha Vantage takes its key in the URL.
            logging.getLogger("httpx").setLevel(logging.WARNING)
            direct = {"all://127.0.0.1": None, "all://localhost": None}  # never through a proxy of the environment
            self._client = httpx.Client(transport=self._transport, mounts=direct, follow_redirects=False)
        return self._client

    def _facts(self, provider: str, call: Call, started: float, **more: object) -> dict[str, object]:
        milliseconds = round((self._monotonic() - started) * 1000)
        return {"provider": provider, "operation": call.operation, "milliseconds": milliseconds, **more}


class Provider:
    """An outside service. Subclasses turn calls and answers into values and errors of ours."""

    name: ClassVar[str]
    is_repeated: ClassVar[bool] = True

    def __init__(self, http: Http, *, base_url: str) -> None:
        self._http = http
        self._base_url = base_url

    def _ask[T](self, call: Call, read: Callable[[Answer], T]) -> T:
        """What `read` makes of the answer. Short calls are repeated while they fail in passing.

        A provider that asks for a pause is not asked again. Raises what the last attempt raised.
        """
        is_short = call.timeout_seconds <= _REPEATED_UP_TO_SECONDS
        repeats = self._http.repeats if self.is_repeated and is_short else 0
        for attempt in range(repeats):
            try:
                return self._ask_once(call, read)
            except ProviderThrottled:
                raise
            except ProviderUnavailable:
                self._http.sleep(2.0**attempt)
        return self._ask_once(call, read)

    def _ask_once[T](self, call: Call, read: Callable[[Answer], T]) -> T:
        return read(self._http.send(self._base_url, call, provider=self.name))

    def _unavailable(self, answer: Answer) -> ProviderUnavailable:
        return ProviderUnavailable(f"{self.name} answered with status {answer.status}")


class KeyedProvider(Provider):
    """An outside service that wants a key, in a header unless `_with_key` says otherwise."""

    key_name: ClassVar[str]
    key_header: ClassVar[str]

    def __init__(self, http: Http, *, base_url: str, keys: ApiKeys) -> None:
        super().__init__(http, base_url=base_url)
        self._keys = keys

    def _ask_once[T](self, call: Call, read: Callable[[Answer], T]) -> T:
        """A refused key is read anew; the call is sent once more only if there is another key now."""
        key = self._key()
        try:
            return super()._ask_once(self._with_key(call, key), read)
        except KeyRejected:
            self._keys.refresh()
            newer = self._key()
            logger.warning("key refused", extra={"provider": self.name, "has_newer_key": newer != key})
            if newer == key:
                raise
            return super()._ask_once(self._with_key(call, newer), read)

    def _with_key(self, call: Call, key: str) -> Call:
        return replace(call, headers={**call.headers, self.key_header: key})

    def _key(self) -> str:
        key = self._keys.get(self.key_name, default="").strip()
        if not key:
            raise ProviderDisabled(f"No {self.name} API key is configured")
        if not (key.isascii() and key.isprintable()):
            # httpx would quote it in its own error message
            raise ProviderDisabled(f"The {self.name} API key holds characters that no key has")
        return key
