"""Every way a request can fail, and the one shape all answers to it have."""

import json
import logging
from typing import Annotated, Any, Literal

import pytest
from fastapi import Path, Query
from pydantic import BaseModel, Field, field_validator

from lambda_src import errors
from lambda_src.errors import AppError, Conflict, NotAuthenticated, NotFound, StoreUnavailable, TooManyRequests
from lambda_src.runtime.problems import STATUS_OF_FAMILY, ErrorAnswers, named, status_of
from lambda_src.runtime.routing import Router


class Body(BaseModel):
    url: str = Field(min_length=1, max_length=500)
    months: int = Field(default=12, ge=1, le=36)
    mode: Literal["a", "b"] = "a"

    @field_validator("url")
    @classmethod
    def _no_spaces(cls, url: str) -> str:
        if " " in url:
            raise ValueError(f"{url} has a space")
        return url


class ChannelMissing(NotFound):
    code = "channel_not_found"


class ChannelExists(Conflict):
    code = "channel_exists"
    status = 400


RAISED: dict[str, Exception] = {
    "missing": ChannelMissing("There is no such channel"),
    "exists": ChannelExists("Channel already exists"),
    "busy": StoreUnavailable(retry_after_seconds=1),
    "slow": TooManyRequests(retry_after_seconds=2.2),
    "soon": TooManyRequests(retry_after_seconds=0.01),
    "internal": AppError("the password is hunter2"),
    "bug": RuntimeError("the password is hunter2"),
}


@pytest.fixture
def client(make_app, router: Router, client_of):
    @router.post("/things")
    def create_thing(body: Body) -> dict[str, str]:
        return {"url": body.url}

    @router.get("/things")
    def read_things() -> list[str]:
        return []

    @router.get("/things/{number}")
    def read_thing(number: Annotated[int, Path(ge=1)], limit: Annotated[int, Query(le=10)] = 5) -> dict[str, int]:
        return {"number": number, "limit": limit}

    @router.get("/raise/{name}")
    def fail(name: str) -> None:
        raise RAISED[name]

    @router.get("/not-a-number")
    def not_a_number() -> dict[str, float]:
        return {"nan": float("nan"), "inf": float("inf")}

    return client_of(make_app(router))


def problem_of(response: Any) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert isinstance(body["detail"], str)
    assert body["detail"]
    assert body["request_id"] == response.headers["x-request-id"]
    return body


def all_subclasses(cls: type[AppError]) -> set[type[AppError]]:
    return {cls}.union(*(all_subclasses(each) for each in cls.__subclasses__()))


@pytest.mark.parametrize("error", sorted(all_subclasses(AppError), key=str))
def test_every_error_class_has_a_status_and_a_stable_code(error):
    assert 400 <= status_of(error.__new__(error)) <= 599  # some take arguments; the status is the class's
    assert error.code == error.code.lower().replace(" ", "_")


def test_the_table_holds_exactly_the_families_of_the_tree():
    families = {each for each in AppError.__subclasses__() if each.__module__ == errors.__name__}
    assert set(STATUS_OF_FAMILY) == {AppError, *families}


@pytest.mark.parametrize(
    ("name", "status", "code", "detail"),
    [
        ("missing", 404, "channel_not_found", "There is no such channel"),
        ("exists", 400, "channel_exists", "Channel already exists"),
        ("busy", 503, "busy", StoreUnavailable.default_detail),
        ("slow", 429, "too_many_requests", TooManyRequests.default_detail),
    ],
)
def test_an_error_is_answered_by_its_family_or_its_own_status(client, name, status, code, detail):
    response = client.get(f"/raise/{name}")
    assert response.status_code == status
    problem = problem_of(response)
    assert (problem["code"], problem["detail"]) == (code, detail)
    assert "errors" not in problem


@pytest.mark.parametrize(("name", "seconds"), [("busy", "1"), ("slow", "3"), ("soon", "1")])
def test_a_retryable_answer_says_when_in_whole_seconds(client, name, seconds):
    assert client.get(f"/raise/{name}").headers["retry-after"] == seconds


def test_an_error_that_stays_carries_no_retry_after(client):
    assert "retry-after" not in client.get("/raise/missing").headers


@pytest.mark.parametrize("name", ["internal", "bug"])
def test_a_500_never_carries_the_text_of_an_exception(client, name, caplog):
    response = client.get(f"/raise/{name}")
    assert response.status_code == 500
    assert problem_of(response)["code"] == "internal_error"
    assert "hunter2" not in response.text
    assert any(record.exc_info for record in caplog.records), "the stack belongs in the log"


def test_a_500_can_be_read_by_the_browser(client):
    response = client.get("/raise/bug", headers={"origin": "http://localhost:5173"})
    assert response.headers["access-control-allow-origin"] == "http://localhost:5173"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_an_unknown_route_is_a_problem_too(client):
    response = client.get("/nowhere")
    assert (response.status_code, problem_of(response)["code"]) == (404, "not_found")


def test_a_trailing_slash_is_not_redirected(client):
    response = client.post("/things/", json={"url": "x"}, follow_redirects=False)
    assert (response.status_code, problem_of(response)["code"]) == (404, "not_found")


def test_a_wrong_method_names_the_right_ones(client):
    response = client.delete("/things")
    assert (response.status_code, problem_of(response)["code"]) == (405, "method_not_allowed")
    assert response.headers["allow"] == "GET, HEAD, POST"


def test_invalid_fields_are_listed_and_told_in_one_sentence(client):
    response = client.post("/things", json={"url": "", "months": 37, "unknown": "ignored"})
    assert response.status_code == 422
    problem = problem_of(response)
    assert problem["code"] == "validation_error"
    assert [error["loc"] for error in problem["errors"]] == [["body", "url"], ["body", "months"]]
    assert problem["detail"].startswith("url: String should have at least 1 character; months: ")
    assert all(set(error) == {"loc", "msg"} for error in problem["errors"])


def test_unknown_fields_are_ignored(client):
    assert client.post("/things", json={"url": "x", "unknown": 1}).status_code == 200


def test_a_rule_of_our_own_is_told_without_pydantics_prefix(client):
    assert problem_of(client.post("/things", json={"url": "a b"}))["detail"] == "url: a b has a space"


@pytest.mark.parametrize("path", ["/things/zero", "/things/0", "/things/1?limit=11", "/things/1?limit=x&limit=y"])
def test_invalid_path_and_query_values_are_422(client, path):
    response = client.get(path)
    assert (response.status_code, problem_of(response)["code"]) == (422, "validation_error")


def test_a_parameter_given_twice_is_fine(client):
    assert client.get("/things/1?limit=3&limit=4").json() == {"number": 1, "limit": 4}


@pytest.mark.parametrize(
    ("content", "statuses"),
    [
        (b"{", {422}),
        (b"", {422}),
        (b"null", {422}),
        (b"[]", {422}),
        (b'"text"', {422}),
        (b'{"url": 5}', {422}),
        (b'{"url": "x", "months": NaN}', {422}),
        (b'{"url": "x", "months": Infinity}', {422}),
        (b'{"url": "x", "months": 1e400}', {422}),
        (b'{"url": "\\ud800"}', {422}),
        (b'{"url": "x", "mode": "\\ud800"}', {422}),
        (b'{"url": "x", "months": "\\ud800"}', {422}),
        (b'{"url": "x \\ud83d"}', {422}),
        (b'{"\\ud800": 1}', {422}),
        (b'{"url": "x", "months": ' + b"9" * 5000 + b"}", {400, 422}),
        (b'{"url": "\xff\xfe"}', {400, 422}),
        (b"[" * 16_000, {400, 422}),
    ],
)
def test_no_body_whatsoever_is_a_500(client, content, statuses):
    response = client.post("/things", content=content, headers={"content-type": "application/json"})
    assert response.status_code in statuses
    assert problem_of(response)["code"] in {"validation_error", "bad_request"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", (400, "no_json")),
        (b"[" * 16_000, (400, "no_json")),
        (b'{"url": "x", "months": ' + b"9" * 5000 + b"}", (400, "no_json")),
        (b'{"url": "\xff\xfe"}', (400, "no_json")),
        (b"", (422, "validation_error")),
        (b'{"url": ""}', (422, "validation_error")),
    ],
    ids=["cut-off", "deep", "long-number", "no-utf8", "empty", "invalid"],
)
def test_a_contract_may_tell_a_body_that_is_no_json_from_one_that_is_not_valid(
    make_app, router: Router, client_of, content, told
):
    @router.post("/things")
    def create_thing(body: Body) -> dict[str, str]:
        return {"url": body.url}

    client = client_of(make_app(router, errors=ErrorAnswers(malformed_json="no_json")))
    answer = client.post("/things", content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, problem_of(answer)["code"]) == told


def test_a_body_that_is_not_declared_as_json_is_refused(client):
    response = client.post("/things", content=b'{"url":"x"}', headers={"content-type": "text/plain"})
    assert response.status_code == 422


def test_many_errors_are_cut_to_a_readable_answer(make_app, router: Router, client_of):
    @router.post("/numbers")
    def numbers(values: list[int]) -> int:
        return sum(values)

    problem = problem_of(client_of(make_app(router)).post("/numbers", json=["x"] * 1000))
    assert len(problem["errors"]) == 20
    assert len(problem["detail"]) <= 500


def test_answers_never_hold_nan_or_infinity(client):
    answer = client.get("/not-a-number")
    assert answer.status_code == 500
    assert json.loads(answer.content, parse_constant=pytest.fail)["code"] == "internal_error"


def test_a_client_error_is_not_logged_as_a_failure(client, caplog):
    with caplog.at_level(logging.WARNING):
        client.get("/raise/missing")
    assert not caplog.records


class Taken(Conflict):
    code = "taken"

    @property
    def members(self):
        return {"holder": "f3f6"}

    @property
    def headers(self):
        return {"X-Holder": "f3f6"}


def test_an_error_may_say_more_than_its_detail(make_app, router: Router, client_of):
    @router.get("/taken")
    def fail() -> None:
        raise Taken("Somebody has it")

    answer = client_of(make_app(router)).get("/taken")
    assert answer.json() | {"request_id": ""} == {
        "detail": "Somebody has it", "code": "taken", "request_id": "", "holder": "f3f6",
    }  # fmt: skip
    assert answer.headers["x-holder"] == "f3f6"


def test_a_published_contract_may_name_errors_and_fields_its_own_way(make_app, router: Router, client_of):
    @router.post("/things")
    def create_thing(body: Body) -> None:
        raise RuntimeError(body.url)

    @router.get("/things")
    def list_things() -> None:
        raise NotAuthenticated

    codes = {"internal_error": "internal", "not_authenticated": "missing_token", "not_found": "nothing_here"}
    client = client_of(make_app(router, errors=ErrorAnswers(codes=codes, field_error=named)))
    assert client.post("/things", json={"url": "x"}).json()["code"] == "internal"
    assert client.get("/things").json()["code"] == "missing_token"
    assert client.get("/nowhere").json()["code"] == "nothing_here"
    assert client.delete("/things").json()["code"] == "method_not_allowed"
    refused = client.post("/things", json={}).json()
    assert refused["errors"] == [{"field": "url", "message": "Field required"}]
    assert refused["code"] == "validation_error"
