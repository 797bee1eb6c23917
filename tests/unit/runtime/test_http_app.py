"""What surrounds every answer: ids, headers, CORS, compression, the body limit, documentation and the request log."""

import gzip
import logging
from typing import Any

import pytest
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse

from lambda_src.runtime.correlation import correlation_id
from lambda_src.runtime.cors import CorsRules
from lambda_src.runtime.routing import Router

ORIGIN = {"origin": "http://localhost:5173"}
PREFLIGHT = {**ORIGIN, "access-control-request-method": "POST", "access-control-request-headers": "content-type"}


@pytest.fixture
def app(make_app, router: Router):
    @router.get("/items/{number}")
    def read_item(number: int) -> dict[str, int]:
        return {"number": number}

    @router.get("/large")
    def large() -> list[str]:
        return ["text that repeats"] * 1000

    app: FastAPI = make_app(router)

    @app.post("/echo")
    async def echo(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    return app


@pytest.fixture
def client(app, client_of):
    return client_of(app)


def test_each_request_has_an_id_of_its_own(client):
    first, second = (client.get("/items/1").headers["x-request-id"] for _ in range(2))
    assert first != second
    assert len(first) == 36


def test_a_caller_cannot_choose_the_id(client):
    assert client.get("/items/1", headers={"x-request-id": "mine"}).headers["x-request-id"] != "mine"


@pytest.mark.parametrize("path", ["/items/1", "/items/x", "/nowhere", "/large"])
def test_security_headers_are_on_every_answer(client, path):
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["strict-transport-security"].startswith("max-age=")
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["cache-control"] == "no-store"


def test_a_route_may_decide_about_caching(make_app, router: Router, client_of):
    @router.get("/stable")
    def stable() -> JSONResponse:
        return JSONResponse({}, headers={"Cache-Control": "max-age=60"})

    assert client_of(make_app(router)).get("/stable").headers.get_list("cache-control") == ["max-age=60"]


def test_the_documentation_page_may_load_its_scripts(client):
    response = client.get("/docs")
    assert response.status_code == 200
    assert "content-security-policy" not in response.headers
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/redoc"])
def test_production_serves_no_documentation(make_app, client_of, path):
    assert client_of(make_app(environment="prod")).get(path).status_code == 404


def test_the_document_describes_errors_as_they_are_answered(client):
    answers = client.get("/openapi.json").json()["paths"]["/items/{number}"]["get"]["responses"]
    assert set(answers) == {"200", "4XX", "5XX"}
    schema = answers["4XX"]["content"]["application/problem+json"]["schema"]
    assert schema["required"] == ["detail", "code", "request_id"]


def test_a_preflight_from_the_web_client_is_allowed(client):
    headers = client.options("/echo", headers=PREFLIGHT).headers
    assert headers["access-control-allow-origin"] == "http://localhost:5173"
    assert headers["access-control-allow-methods"] == "GET, POST, DELETE, OPTIONS"
    assert "Content-Type" in headers["access-control-allow-headers"]
    assert headers["access-control-max-age"] == "600"
    assert "access-control-allow-credentials" not in headers


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:5173.evil.example"},
        {"origin": "null"},
        {"access-control-request-method": "PATCH"},
        {"access-control-request-headers": "authorization"},
    ],
)
def test_any_other_preflight_is_refused_as_a_problem_and_the_log_says_whose(client, change, caplog):
    response = client.options("/echo", headers={**PREFLIGHT, **change})
    assert response.status_code == 400
    assert response.json()["code"] == "bad_request"
    assert "access-control-allow-origin" not in response.headers
    [refused] = [record for record in caplog.records if record.message.startswith("preflight refused")]
    assert vars(refused)["origin"] == {**PREFLIGHT, **change}["origin"]
    assert vars(refused)["reason"] == response.json()["detail"]
    assert "`web_origins` of the environment" in refused.message


@pytest.mark.parametrize("path", ["/items/1", "/items/x", "/nowhere"])
def test_errors_and_answers_alike_name_the_allowed_origin(client, path):
    headers = client.get(path, headers=ORIGIN).headers
    assert headers["access-control-allow-origin"] == "http://localhost:5173"
    assert "Origin" in headers["vary"]


def test_a_foreign_origin_gets_no_permission(client):
    assert "access-control-allow-origin" not in client.get("/items/1", headers={"origin": "https://x.example"}).headers


@pytest.mark.parametrize("origin", ["*", "https://*.example.com"])
def test_a_wildcard_origin_is_refused_at_start(origin):
    with pytest.raises(ValueError, match="exact"):
        CorsRules(origins=(origin,), methods=("GET",))


def test_a_large_answer_is_compressed_for_those_who_accept_it(client):
    with client.stream("GET", "/large", headers={"accept-encoding": "gzip"}) as response:
        raw = b"".join(response.iter_raw())
    assert response.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw).startswith(b'["text that repeats"')
    assert "content-encoding" not in client.get("/large", headers={"accept-encoding": "identity"}).headers
    assert "content-encoding" not in client.get("/items/1", headers={"accept-encoding": "gzip"}).headers


@pytest.mark.parametrize(("size", "status"), [(0, 200), (16_384, 200), (16_385, 413)])
def test_a_body_above_the_limit_is_refused(client, size, status):
    response = client.post("/echo", content=b"x" * size)
    assert response.status_code == status
    assert response.json() == {"bytes": size} if status == 200 else response.json()["code"] == "payload_too_large"


@pytest.mark.parametrize(("chunks", "status"), [(4, 200), (5, 413)])
def test_a_body_that_does_not_announce_its_size_is_measured(client, chunks, status):
    response = client.post("/echo", content=(b"x" * 4096 for _ in range(chunks)), headers=ORIGIN)
    assert response.status_code == status
    assert response.headers["access-control-allow-origin"] == "http://localhost:5173"


@pytest.mark.parametrize("announced", ["99999", "9" * 5000])
def test_an_announced_body_above_the_limit_is_refused_unread(client, announced):
    response = client.post("/echo", content=b"", headers={"content-length": announced})
    assert (response.status_code, response.json()["code"]) == (413, "payload_too_large")


@pytest.mark.parametrize("announced", ["-1", "x", "\u00b2"])
def test_a_nonsensical_announcement_does_no_harm(client, announced):
    response = client.post("/echo", content=b"", headers={b"content-length": announced.encode("latin-1")})
    assert response.status_code == 200


def served(caplog: pytest.LogCaptureFixture) -> list[Any]:
    return [record for record in caplog.records if record.message == "request served"]


def test_each_request_leaves_one_line_with_what_it_used(make_app, router: Router, resources, client_of, caplog):
    @router.get("/items/{number}")
    def read_item(number: int) -> int:
        for operation in ("GetItem", "GetItem", "Query"):
            resources.client.call(operation, {}, "p")
        return number

    resources.client.call("PutItem", {}, "p")
    with caplog.at_level(logging.INFO, logger="lambda_src"):
        client_of(make_app(router)).get("/items/5?secret=1")
    (line,) = served(caplog)
    assert (line.method, line.route, line.status) == ("GET", "/items/{number}", 200)
    assert (line.dynamodb_requests, line.read_units, line.write_units) == (3, 1.5, 0.0)
    assert line.milliseconds >= 0
    assert "secret" not in repr(vars(line))


def test_failures_and_unknown_paths_are_logged_once_too(client, caplog):
    with caplog.at_level(logging.INFO, logger="lambda_src"):
        client.get("/items/x")
        client.get("/nowhere/private-path")
        client.delete("/items/1")
        client.get("/docs")
    lines = served(caplog)
    assert [(line.route, line.status) for line in lines] == [
        ("/items/{number}", 422),
        ("unmatched", 404),
        ("/items/{number}", 405),
        ("/docs", 200),
    ]
    assert {line.dynamodb_requests for line in lines} == {0}


def test_the_endpoint_knows_the_request_id(make_app, router: Router, client_of):
    @router.get("/id")
    def identify() -> str | None:
        return correlation_id()

    response = client_of(make_app(router)).get("/id")
    assert response.json() == response.headers["x-request-id"]
    assert correlation_id() is None
