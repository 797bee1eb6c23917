"""Bodies are UTF-8: what is not is refused, never read with U+FFFD in its place."""

import base64
import json
from typing import Any

import pytest

from lambda_src.runtime.routing import Router

BROKEN = {
    "a byte of Latin-1": b"caf\xe9",
    "a byte that UTF-8 has not": b"\xff",
    "a cut euro sign": b"\xe2\x82",
    "a cut emoji, as long as what would replace it": b"\xf0\x9f\x98",
    "half of a surrogate pair": b"\xed\xa0\x80",
    "CESU-8": b"\xed\xa0\xbd\xed\xb8\x80",
    "an overlong slash": b"\xc0\xaf",
    "a number above Unicode": b"\xf4\x90\x80\x80",
    "a continuation without a beginning": b"\x80",
}
TYPES = ["application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]


@pytest.fixture
def stored() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def app(make_app, router: Router, stored):
    @router.post("/items")
    def keep(body: dict[str, Any]) -> str:
        stored.append(body)
        return "kept"

    @router.post("/touch")
    def touch() -> str:
        stored.append({})
        return "touched"

    return make_app(router)


@pytest.fixture
def through_gateway(app, event, handler_of):
    """As an HTTP API hands a body on: as base64, or as text with U+FFFD for what it cannot decode."""
    handler = handler_of(app)

    def send(content: bytes, *, is_base64: bool) -> dict[str, Any]:
        body = base64.b64encode(content).decode() if is_base64 else content.decode(errors="replace")
        post = {**event("api_gateway_v2_post"), "body": body, "isBase64Encoded": is_base64}
        post["requestContext"]["http"]["path"] = "/items"
        answer: dict[str, Any] = handler(post, None)
        return answer

    return send


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_bytes_that_are_no_utf8_are_refused(app, client_of, stored, broken, content_type):
    for path in ("/items", "/touch"):
        answer = client_of(app).post(
            path, content=b'{"name":"' + broken + b'"}', headers={"content-type": content_type}
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert stored == []


@pytest.mark.parametrize("is_base64", [False, True])
@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_so_they_are_from_the_gateway_in_either_form(through_gateway, stored, broken, is_base64):
    answer = through_gateway(b'{"name":"' + broken + b'"}', is_base64=is_base64)
    assert (answer["statusCode"], json.loads(answer["body"])["detail"]) == (400, "The body is not valid UTF-8")
    assert stored == []


@pytest.mark.parametrize("is_base64", [False, True])
@pytest.mark.parametrize(
    "text",
    ['{"name":"caf\u00e9 \U0001fae9"}', '\ufeff{"name":"with a mark"}', r'{"name":"\ufffd"}', '{"name":"\ufeffA"}'],
)
def test_any_other_text_is_read(through_gateway, stored, text, is_base64):
    assert through_gateway(text.encode(), is_base64=is_base64)["statusCode"] == 200
    assert stored == [json.loads(text.removeprefix("\ufeff"))]


def test_a_replacement_character_counts_where_it_is_known_to_be_meant(app, through_gateway, client_of, stored):
    content = '{"name":"\ufffd"}'.encode()
    assert through_gateway(content, is_base64=True)["statusCode"] == 200
    assert client_of(app).post("/items", content=content, headers={"content-type": TYPES[0]}).status_code == 200
    assert stored == [{"name": "\ufffd"}] * 2
