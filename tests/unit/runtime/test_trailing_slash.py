"""Services whose clients end paths with a slash serve them as if it were not there, and redirect nobody."""

import logging

import pytest
from fastapi import Request

from lambda_src.runtime.routing import Router
from tests.unit.runtime.conftest import ORIGIN


@pytest.fixture
def client(make_app, router: Router, client_of):
    @router.get("/items/{name}")
    def read_item(name: str) -> dict[str, str]:
        return {"name": name}

    @router.post("/items", status_code=201)
    def add_item(request: Request) -> dict[str, str]:
        return {"path": request.url.path}

    @router.get("/callback", writes=True)
    def callback() -> str:
        return "signed in"

    return client_of(make_app(router, trailing_slash=True))


@pytest.mark.parametrize("path", ["/items/a", "/items/a/", "/items/a/?page=2"])
def test_one_slash_at_the_end_changes_nothing(client, path):
    answer = client.get(path, follow_redirects=False)

    assert (answer.status_code, answer.json()) == (200, {"name": "a"})


def test_a_write_is_served_where_it_is_sent(client):
    assert client.post("/items/", follow_redirects=False).status_code == 201


@pytest.mark.parametrize("path", ["/", "//", "///", "/items/a//", "/nothing/", "/items/a/%0A/", "/items/a%0A/"])
def test_what_is_no_path_of_ours_is_still_none(client, path):
    assert client.request("GET", f"http://127.0.0.1{path}", follow_redirects=False).status_code == 404


def test_a_head_is_the_get_without_its_body_and_not_where_that_writes(client):
    answer = client.head("/items/a/", follow_redirects=False)

    assert (answer.status_code, answer.content) == (200, b"")
    assert client.head("/callback/", follow_redirects=False).status_code == 405


def test_a_preflight_is_answered(client):
    asked = {"origin": ORIGIN, "access-control-request-method": "POST"}

    assert client.options("/items/", headers=asked).status_code == 200


def test_a_method_that_the_path_has_not_is_refused_with_those_it_has(client):
    answer = client.put("/items/")

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_the_log_names_the_route(client, caplog):
    with caplog.at_level(logging.INFO, logger="lambda_src"):
        client.get("/items/a/")

    assert [line.route for line in caplog.records if line.message == "request served"] == ["/items/{name}"]


def test_the_documentation_page_may_load_its_scripts_with_a_slash_too(client):
    answer = client.get("/docs/")

    assert answer.status_code == 200
    assert "content-security-policy" not in answer.headers


def test_the_root_stays_the_root(make_app, router: Router, client_of):
    @router.get("/")
    def root() -> str:
        return "root"

    assert client_of(make_app(router, trailing_slash=True)).get("/").json() == "root"


def test_a_service_that_does_not_ask_for_it_has_no_such_paths(make_app, router: Router, client_of):
    @router.get("/items")
    def items() -> list[str]:
        return []

    assert client_of(make_app(router)).get("/items/", follow_redirects=False).status_code == 404
