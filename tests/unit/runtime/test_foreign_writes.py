"""Pages of any origin can have a browser send simple requests; those that write are refused unless they are allowed."""

import json

import pytest

from lambda_src.runtime.routing import Router
from tests.unit.runtime.conftest import ORIGIN

EVIL = "https://evil.example"
HOST = "api.example:8004"
OWN = f"http://{HOST}"
SIMPLE = {"host": HOST, "content-type": "text/plain"}
LINK = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}


@pytest.fixture
def written() -> list[str]:
    return []


@pytest.fixture
def app(make_app, router: Router, written):
    for add in (router.post, router.put, router.patch, router.delete):

        @add("/items")
        def change() -> str:
            written.append("item")
            return "done"

    @router.get("/callback", writes=True)
    def callback() -> str:
        written.append("session")
        return "signed in"

    @router.get("/items")
    def read() -> str:
        return "item"

    return make_app(router)


@pytest.fixture
def client(app, client_of):
    return client_of(app)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "sent",
    [
        {"origin": EVIL},
        {"origin": EVIL, "sec-fetch-site": "same-origin"},
        {"origin": "null", "sec-fetch-site": "cross-site"},
        {"origin": ""},
        {"origin": ORIGIN + ".evil.example"},
        {"origin": "http://localhost"},
        {"origin": "https://localhost:5173"},
        {"origin": f"http://{HOST}0"},
        {"origin": "http://evil.example", "x-forwarded-host": "evil.example"},
        {"origin": f"http://{HOST}", "x-forwarded-proto": "https"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "Cross-Site", "sec-fetch-mode": "navigate"},
    ],
)  # fmt: skip
def test_a_write_of_a_foreign_page_is_refused_unread(client, written, method, sent, caplog):
    answer = client.request(method, "/items", headers={**SIMPLE, **sent}, content=b"x" * 100_000)
    assert (answer.status_code, answer.json()["code"], written) == (403, "foreign_origin", [])
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in answer.headers
    [refused] = [record for record in caplog.records if record.message.startswith("write refused")]
    assert vars(refused)["origin"] == sent.get("origin", "")


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"origin": ORIGIN},
        {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
        {"origin": ORIGIN.upper()},
        {"origin": OWN},
        {"origin": OWN, "sec-fetch-site": "same-origin"},
        {"origin": "http://api.example", "host": "api.example:80"},
        {"origin": "https://api.example:443", "host": "API.example", "x-forwarded-proto": "https"},
        {"origin": "https://a1.execute-api.us-east-1.amazonaws.com", "host": "a1.execute-api.us-east-1.amazonaws.com"},
        {"origin": "http://[::1]:8004", "host": "[::1]:8004"},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ],
)
def test_a_write_of_an_allowed_page_or_of_no_page_goes_on(client, written, sent):
    assert client.post("/items", headers={**SIMPLE, **sent}).status_code == 200
    assert written == ["item"]


@pytest.mark.parametrize("sent", [{}, LINK, {"origin": "null", **LINK}, {"origin": "null"}, {"sec-fetch-site": "none"}])
def test_a_link_to_a_get_that_writes_is_followed(client, written, sent):
    assert client.get("/callback", headers={**SIMPLE, **sent}).status_code == 200
    assert written == ["session"]


@pytest.mark.parametrize(
    "sent",
    [{"origin": EVIL}, {"origin": EVIL, **LINK, "sec-fetch-mode": "cors"}, {**LINK, "sec-fetch-mode": "no-cors"}],
)
def test_no_foreign_page_fetches_what_writes(client, written, sent):
    assert client.get("/callback", headers={**SIMPLE, **sent}).status_code == 403
    assert client.head("/callback", headers={**SIMPLE, **sent}).status_code == 405
    assert written == []


@pytest.mark.parametrize("path", ["/items", "/docs", "/openapi.json"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_writes_nothing_is_for_everybody(client, path, method):
    sent = {**SIMPLE, "origin": EVIL, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    assert client.request(method, path, headers=sent).status_code == 200


def test_a_preflight_is_answered_as_ever(client):
    asked = {"access-control-request-method": "POST"}
    assert client.options("/items", headers={**asked, "origin": ORIGIN}).status_code == 200
    assert client.options("/items", headers={**asked, "origin": EVIL}).json()["code"] == "bad_request"


def test_the_gateway_says_what_an_api_is_called(app, event, handler_of):
    post = event("api_gateway_v2_post")
    post["rawPath"] = post["requestContext"]["http"]["path"] = "/items"
    handler = handler_of(app)

    def status(**headers: str) -> int:
        return int(handler({**post, "headers": {**post["headers"], **headers}}, None)["statusCode"])

    assert post["headers"]["x-forwarded-proto"] == "https"
    assert status(origin=f"https://{post['headers']['host']}") == 200
    assert status(origin=f"http://{post['headers']['host']}") == 403
    answer = handler({**post, "headers": {**post["headers"], "origin": EVIL}}, None)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (403, "foreign_origin")
