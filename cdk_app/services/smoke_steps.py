"""Steps of a smoke check: each one request with a deadline, one printed line, and an end to it all when it fails."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Never, Self
from urllib.parse import urlsplit

import httpx

# API Gateway gives up after 30 s; what it then answers should still be seen.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
STEP_SECONDS: Final = 35.0
CONNECT_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = 1.0
SHOWN_CHARACTERS: Final = 200
OWN_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})

type Say = Callable[[str], None]
type Expectation = Callable[[Any], bool]


class StepFailed(Exception):
    """A step did not go as it should; its line is printed already. status: of the answer, None without one."""

    def __init__(self, name: str, status: int | None) -> None:
        super().__init__(name)
        self.status = status

    @property
    def was_refused(self) -> bool:
        """Whether the API said no, so that it certainly changed nothing."""
        return self.status is not None and 400 <= self.status < 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, complete after `milliseconds`. location: where it leads, if it leads anywhere."""

    status: int
    content: bytes
    location: str
    milliseconds: float

    @property
    def body(self) -> Any:
        """The JSON value; None for an empty or other text."""
        try:
            return json.loads(self.content)
        except ValueError:
            return None

    @property
    def text(self) -> str:
        return self.content.decode(errors="replace")


class Steps:
    """Calls one API. Each step prints its outcome, milliseconds and status; StepFailed ends the check.

    step_seconds: how long one request may take, from its start to the last byte of its answer. Redirects are not
    followed but by `follow`, and nothing is repeated but by `wait`: a deployment that works answers the first time.
    token: goes along with every request to the API once a check has set it; no line shows it, nor a signed address.
    """

    def __init__(self, url: str, *, say: Say, step_seconds: float = STEP_SECONDS) -> None:
        self.token: str | None = None
        self.url = url
        self.is_on_this_machine = urlsplit(url).hostname in OWN_NAMES
        self._say = say
        self._step_seconds = step_seconds
        # Of the timeouts only that of asyncio ends a trickle of bytes: those of httpx are for each wait alone.
        self._loop = asyncio.Runner()
        self._client = httpx.AsyncClient(base_url=url, timeout=httpx.Timeout(step_seconds, connect=CONNECT_SECONDS))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run(self._client.aclose())
        self._loop.close()

    def step(
        self,
        name: str,
        method: str,
        path: str,
        *,
        status: int,
        or_status: int | None = None,
        body: Mapping[str, Any] | None = None,
        expect: Expectation = lambda _: True,
    ) -> Any:
        """Send one request and return the JSON body of its answer.

        status, or_status: the only ones that are right. expect: whether the body is. Raises StepFailed after its line.
        """
        request = f"{method} {path}"
        answer = self._asked(name, request, method, path, json=body)
        self._check(name, request, answer, status, or_status)
        if not _fits(expect, answer.body):
            self._fail(name, request, f"the body is not as expected: {_shown(answer.text)}", answer)
        self._line("ok", name, request, "", answer)
        return answer.body

    def wait(
        self, name: str, path: str, *, until: Expectation, seconds: float, expect: Expectation = lambda _: True
    ) -> None:
        """Ask once a second until the body says that it is over; one line.

        expect: how it has to end. Raises StepFailed, also for any status but 200, and when it takes longer than
        `seconds`.
        """
        request, end = f"GET {path}", time.monotonic() + seconds
        while True:
            answer = self._asked(name, request, "GET", path)
            self._check(name, request, answer, 200)
            if _fits(until, answer.body):
                break
            if time.monotonic() >= end:
                self._fail(name, request, f"not within {seconds:.0f} s: {_shown(answer.text)}", answer)
            time.sleep(PAUSE_SECONDS)
        if not _fits(expect, answer.body):
            self._fail(name, request, f"the body is not as expected: {_shown(answer.text)}", answer)
        self._line("ok", name, request, "", answer)

    def send_form(self, name: str, url: str, fields: Mapping[str, str], file: bytes, *, status: int) -> None:
        """Send a signed form, of which the line shows the host alone. Raises StepFailed after its line."""
        request = f"POST {_host(url)}"
        answer = self._asked(name, request, "POST", url, data=fields, files={"file": file})
        self._check(name, request, answer, status)
        self._line("ok", name, request, "", answer)

    def follow(self, name: str, path: str, *, to: bytes) -> None:
        """Go where a path of the API leads, as nobody who is signed in: to these bytes. Raises StepFailed.

        path: what follows its last slash is not shown.
        """
        request = f"GET {path.rpartition('/')[0]}/..."
        answer = self._asked(name, request, "GET", path, is_anonymous=True)
        self._check(name, request, answer, 307)
        self._line("ok", name, request, "", answer)
        request = f"GET {_host(answer.location)}"
        answer = self._asked(name, request, "GET", answer.location)
        self._check(name, request, answer, 200)
        if answer.content != to:
            self._fail(name, request, f"{len(answer.content)} bytes, which are others", answer)
        self._line("ok", name, request, "", answer)

    def warn(self, name: str, text: str) -> None:
        """Print a line about something that the operator has to do."""
        self._say(f"{'!':<7}{name:<22}{text}")

    def _asked(
        self, name: str, request: str, method: str, address: str, *, is_anonymous: bool = False, **content: Any
    ) -> Answer:
        """The answer. address: a path of the API, or one somewhere else, which is not told who asks."""
        is_told = self.token and not is_anonymous and address.startswith("/")
        headers = {"Authorization": f"Bearer {self.token}"} if is_told else {}
        try:
            return self._loop.run(self._ask(method, address, headers=headers, **content))
        except (TimeoutError, httpx.TimeoutException):
            self._fail(name, request, f"no whole answer within {self._step_seconds:.0f} s")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self._fail(name, request, f"no answer: {error or type(error).__name__}")

    async def _ask(self, method: str, address: str, **content: Any) -> Answer:
        started = time.monotonic()
        async with asyncio.timeout(self._step_seconds):
            response = await self._client.request(method, address, **content)
        location, milliseconds = response.headers.get("location", ""), (time.monotonic() - started) * 1000
        return Answer(response.status_code, response.content, location, milliseconds)

    def _check(self, name: str, request: str, answer: Answer, status: int, or_status: int | None = None) -> None:
        if answer.status not in {status, or_status}:
            self._fail(name, request, f"status {status} was expected: {_shown(answer.text)}", answer)

    def _fail(self, name: str, request: str, reason: str, answer: Answer | None = None) -> Never:
        self._line("FAILED", name, request, reason, answer)
        raise StepFailed(name, answer.status if answer else None)

    def _line(self, outcome: str, name: str, request: str, reason: str, answer: Answer | None) -> None:
        status = str(answer.status) if answer else "-"
        milliseconds = f"{answer.milliseconds:.0f} ms" if answer else "-"
        line = f"{outcome:<7}{name:<22}{status:>3}{milliseconds:>10}  {request}"
        self._say(f"{line}  {reason}" if reason else line)


def _fits(expect: Expectation, body: Any) -> bool:
    """Whether the body is as expected; one of another shape altogether is not."""
    try:
        return bool(expect(body))
    except (AttributeError, KeyError, IndexError, TypeError):
        return False


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _shown(text: str) -> str:
    """The beginning of an answer on one line."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARACTERS else f"{line[:SHOWN_CHARACTERS]}..."
