"""Rules of HTTP that hold for every service: HEAD, refused compression, and answers that Lambda could not return."""

import json

import pytest

from lambda_src.runtime.middleware import MAX_LAMBDA_ANSWER_BYTES
from lambda_src.runtime.routing import Router


@pytest.fixture
def client(client_of, make_app, router: Router):
    @router.get("/items/{number}")
    def read_item(number: int) -> dict[str, object]:
        return {"number": number, "text": "text that repeats " * 200}

    @router.post("/items/{number}")
    def change_item(number: int) -> dict[str, object]:
        return {"number": number}

    @router.get("/draw", writes=True)
    def draw() -> dict[str, object]:
        raise AssertionError("a HEAD got here")

    @router.get("/text/{size}")
    def read_text(size: int, fill: str = "x") -> str:
        return fill * size

    return client_of(make_app(router))


@pytest.mark.parametrize("path", ["/items/1", "/items/x", "/nowhere", "/docs", "/openapi.json"])
@pytest.mark.parametrize("coding", ["gzip", "identity"])
def test_a_head_has_the_headers_of_the_get_and_no_body(client, path, coding):
    got = client.get(path, headers={"accept-encoding": coding})
    asked = client.head(path, headers={"accept-encoding": coding})

    assert asked.status_code == got.status_code
    assert asked.content == b""
    changing = {"x-request-id", "date"} if got.status_code == 200 else {"x-request-id", "date", "content-length"}
    for name in asked.headers.keys() | got.headers.keys() - changing:
        if name not in changing:
            assert asked.headers[name] == got.headers[name], name


def test_a_get_that_writes_has_no_head(client):
    answer = client.head("/draw")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


def test_what_is_allowed_names_head_where_it_is(client):
    assert client.put("/items/1").headers["allow"] == "GET, HEAD, POST"
    assert client.put("/draw").headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("wish", "is_compressed"),
    [
        ("gzip", True),
        ("gzip;q=0.5, br", True),
        ("br, GZIP ; q=1", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("identity", False),
        ("x-gzipped", False),
        ("", False),
    ],
)
def test_gzip_is_for_those_who_want_it(client, wish, is_compressed):
    answer = client.get("/items/1", headers={"accept-encoding": wish})

    assert answer.json()["number"] == 1
    assert (answer.headers.get("content-encoding") == "gzip") is is_compressed
    assert "Accept-Encoding" in answer.headers["vary"]


@pytest.mark.parametrize(
    ("size", "fill", "coding", "is_sent"),
    [
        (6_200_000, "x", "identity", True),
        (6_300_000, "x", "identity", False),
        (3_200_000, '"', "identity", False),  # each is four bytes in the JSON that Lambda returns
        (1_600_000, "é", "identity", True),
        (6_300_000, "x", "gzip", True),
    ],
)
def test_an_answer_that_lambda_could_not_return_is_a_problem_that_says_so(client, size, fill, coding, is_sent):
    answer = client.get(f"/text/{size}", params={"fill": fill}, headers={"accept-encoding": coding})

    if is_sent:
        assert answer.json() == fill * size
        assert coding == "gzip" or len(json.dumps(answer.text, ensure_ascii=False).encode()) < MAX_LAMBDA_ANSWER_BYTES
    else:
        assert (answer.status_code, answer.json()["code"]) == (400, "answer_too_large")
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/items%0A", "/items/1%0A", "/items/1%0A%0A", "/items/%001", "/text/1%7F", "/%C2%85"])
def test_nothing_is_where_a_path_has_control_characters(client, path):
    for method in ("GET", "POST", "PUT"):
        answer = client.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert client.head(path).status_code == 404


def test_other_characters_of_paths_are_for_the_routes(client, router):
    for text in ("é", "\u200d", "%20", "\U0001f419"):
        assert client.get(f"/items/{text}").json()["code"] == "validation_error"
