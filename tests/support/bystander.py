"""A service that bad requests must leave exactly as it was."""

from typing import Any

import httpx

from lambda_src.dynamo.cursor import CursorCodec
from tests.support.played import generated_keys
from tests.support.stock_track_record import Applications

URL = "https://www.youtube.com/@TestChannel"
KNOWN = "{known}"  # in a path: the channel that exists


class Bystander:
    """One channel that nobody may touch."""

    def __init__(self, app: Applications) -> None:
        self.app = app
        self.channel_id = app.add(URL)
        app.add("https://www.youtube.com/@other")  # so that a page of one has a cursor

    def state(self) -> tuple[list[dict[str, Any]], int]:
        return sorted(self.app.items(), key=lambda item: (item["PK"], item["SK"])), len(self.app.queue.every)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        before = self.state()
        answer = self.app.api.request(method, path.replace(KNOWN, self.channel_id), **options)
        assert self.state() == before, "something was written"
        return answer

    def post_body(self, body: bytes | str, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else body.encode()
        return self.request(
            "POST", "/api/channels", content=content, headers={"Content-Type": "application/json"} | headers
        )


def assert_refused(answer: httpx.Response, *statuses: int) -> None:
    assert answer.status_code in statuses, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert isinstance(body["detail"], str)
    assert body["detail"]
    assert isinstance(body["code"], str)
    assert isinstance(body["request_id"], str)
    assert "errors" not in body or answer.status_code == 422


def cursor(position: dict[str, Any], *, scope: str = "channels", key: str = "k" * 32) -> str:
    return CursorCodec(generated_keys(key)).encode(scope, position)
