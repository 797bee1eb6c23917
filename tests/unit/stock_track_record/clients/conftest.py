"""A provider whose answers a test writes down in advance, behind httpx's own mock transport."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from lambda_src.runtime.outside import Http
from lambda_src.runtime.providers.gemini import GeminiClient
from lambda_src.runtime.providers.provider import Access
from lambda_src.services.stock_track_record.videos.clients import VideoAnalyst


@dataclass
class Upstream:
    """Answers in the order given, then fails the test. An exception in the list is raised instead."""

    answers: list[httpx.Response | Exception] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    now: float = 1000.0

    def will_answer(
        self, body: Any = None, *, status: int = 200, text: str | None = None, **headers: str
    ) -> "Upstream":
        """Queue one answer; header names are written with underscores."""
        content = json.dumps(body) if text is None else text
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append(httpx.Response(status, content=content.encode(), headers=named))
        return self

    def will_raise(self, error: Exception) -> "Upstream":
        self.answers.append(error)
        return self

    def access(self, keys: "Keys | None" = None, *, repeats: int = 0) -> Access:
        http = Http(transport=httpx.MockTransport(self._answer), monotonic=lambda: self.now)
        return Access(http, keys or Keys(), repeats, self.slept.append)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        assert self.answers, f"one call too many: {request.method} {request.url}"
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def paths(self) -> list[str]:
        return [request.url.path for request in self.requests]

    @property
    def queries(self) -> list[dict[str, str]]:
        return [dict(request.url.params) for request in self.requests]


@dataclass
class Keys:
    """Keys in the style of the secret: `newer` becomes visible at the first refresh."""

    current: str | None = "key-one"
    newer: str | None = None
    refreshes: int = 0

    def get(self, name: str, *, default: str) -> str:
        assert name.endswith("_api_key")
        return default if self.current is None else self.current

    def refresh(self) -> None:
        self.refreshes += 1
        self.current = self.newer or self.current


@pytest.fixture
def upstream():
    it = Upstream()
    yield it
    assert not it.answers, "answers that nobody asked for"


@pytest.fixture
def keys():
    return Keys()


@pytest.fixture
def gemini(upstream, keys):
    client = GeminiClient(
        upstream.access(keys, repeats=2),
        base_url="https://generativelanguage.googleapis.com/v1beta",
        model="gemini-flash-latest",
    )
    return VideoAnalyst(client)
