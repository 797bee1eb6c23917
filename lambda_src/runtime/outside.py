"""Calls to outside services over HTTP: one httpx client per process, every call bounded in time and size.

What is sent never reaches a log: keys travel in headers, and with some services in the URL or the body.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from lambda_src.errors import UpstreamFailed
from lambda_src.runtime.deadline import Deadline

if TYPE_CHECKING:
    import httpx

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_SECONDS: Final = 5.0
MAX_ANSWER_BYTES: Final = 8_000_000


type Observe = Callable[[str, float], None]
"""Is told of every call that ended, with an answer or without: who was asked, and how many milliseconds it took."""


class NoAnswer(UpstreamFailed):
    """No complete answer came: no connection, a broken one, or more than may be read."""

    default_detail = "An outside service did not answer"


class AnswerTooLate(NoAnswer):
    """No complete answer came in time."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request. operation: what logs call it. path: below the base URL. body: sent as JSON, form: as a form.

    With neither it is a GET. address: IP address to connect to, instead of what the host's name means to the resolver
    at that moment; the certificate is still checked against the name.
    """

    operation: str
    path: str
    timeout_seconds: float
    params: Mapping[str, str] = field(default_factory=dict, repr=False)  # one service wants its key here
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, object] | None = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    address: str | None = None

    @property
    def method(self) -> str:
        return "GET" if self.body is None and self.form is None else "POST"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)


class Http:
    """Sends calls to any service, and follows no redirect. Connects at the first call: a snapshot holds no connection.

    connect_timeout_seconds: part of a call's own time. max_answer_bytes: of one decoded body. observe: told of every
    call. transport, monotonic: for tests.
    """

    def __init__(
        self,
        *,
        connect_timeout_seconds: float = CONNECT_TIMEOUT_SECONDS,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        observe: Observe = lambda _provider, _milliseconds: None,
        transport: "httpx.BaseTransport | None" = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect_timeout_seconds = connect_timeout_seconds
        self._max_answer_bytes = max_answer_bytes
        self._observe = observe
        self._transport = transport
        self._monotonic = monotonic
        self._client: httpx.Client | None = None

    def exchange(self, base_url: str, call: Call, *, provider: str) -> Answer:
        """Send one call and read its whole answer, all within its timeout. provider: its name in logs and metrics.

        Raises AnswerTooLate when it took longer, NoAnswer when none came. 1 request.
        """
        import httpx  # noqa: PLC0415 -- 40 ms that only calls to outside services pay for

        started = self._monotonic()
        try:
            answer = self._exchange(base_url.rstrip("/") + call.path, call)
        except (httpx.RequestError, httpx.InvalidURL) as exc:
            logger.warning("upstream failed", extra=self._end(provider, call, started, error=type(exc).__name__))
            is_late = isinstance(exc, httpx.TimeoutException)
            raise (AnswerTooLate if is_late else NoAnswer)(f"{provider} did not answer") from exc
        logger.info("upstream answered", extra=self._end(provider, call, started, status=answer.status))
        return answer

    def close(self) -> None:
        """Close every connection; the next call connects anew. For tests, and before a snapshot is taken."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _exchange(self, url: str, call: Call) -> Answer:
        import httpx  # noqa: PLC0415

        from lambda_src.runtime.network import until  # noqa: PLC0415 -- it imports httpx

        connect_seconds = min(self._connect_timeout_seconds, call.timeout_seconds)
        target, headers, extensions = _directed(httpx.URL(url), call)
        answering = self._open().stream(
            call.method,
            target,
            params=call.params or None,
            headers=headers,
            json=call.body,
            data=call.form,
            timeout=httpx.Timeout(call.timeout_seconds, connect=connect_seconds),
            extensions=extensions,
        )
        with until(Deadline.after(call.timeout_seconds, monotonic=self._monotonic)), answering as response:
            content = bytearray()
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > self._max_answer_bytes:
                    raise httpx.ReadError("The answer is too long")
            return Answer(response.status_code, dict(response.headers), bytes(content))

    def _open(self) -> "httpx.Client":
        if self._client is None:
            import httpx  # noqa: PLC0415

            from lambda_src.runtime.network import bounded  # noqa: PLC0415

            # httpx logs whole URLs at INFO, and some services take their key in the URL.
            logging.getLogger("httpx").setLevel(logging.WARNING)
            direct = {"all://127.0.0.1": None, "all://localhost": None}  # never through a proxy of the environment
            self._client = bounded(httpx.Client(transport=self._transport, mounts=direct, follow_redirects=False))
        return self._client

    def _end(self, provider: str, call: Call, started: float, **more: object) -> dict[str, object]:
        """Tell of a call that ended. Returns what is logged about it."""
        milliseconds = (self._monotonic() - started) * 1000
        self._observe(provider, milliseconds)
        return {"provider": provider, "operation": call.operation, "milliseconds": round(milliseconds), **more}


def _directed(url: "httpx.URL", call: Call) -> "tuple[httpx.URL, Mapping[str, str], dict[str, str]]":
    """URL, headers and httpx extensions that make a call go to `call.address`, if it has one.

    Such a connection serves one request: the pool tells connections apart by address, and the next name at the same
    address would get one whose certificate was checked against another name.
    """
    if call.address is None:
        return url, call.headers, {}
    headers = {**call.headers, "Host": url.netloc.decode("ascii"), "Connection": "close"}
    return url.copy_with(host=call.address), headers, {"sni_hostname": url.raw_host.decode("ascii")}
