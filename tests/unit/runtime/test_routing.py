"""Routes are plain functions: what the wiring made, what the request says, and what becomes of their answers."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, Any

import pytest
from fastapi import Body, Depends, Query
from fastapi.security import HTTPBearer
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from lambda_src.errors import NotAuthenticated
from lambda_src.runtime.routing import FromRequest, Given, Router


@dataclass
class Shelf:
    """What a service's wiring makes."""

    books: list[str]


@dataclass(frozen=True)
class Caller:
    name: str


class NewBook(BaseModel):
    title: str


def caller_of(request: Request, provided: Any) -> Caller:
    name = request.headers.get("x-caller")
    if name is None:
        raise NotAuthenticated
    assert isinstance(provided[Shelf], Shelf)
    return Caller(name)


SignedIn = Annotated[Caller, FromRequest(caller_of, security=HTTPBearer(auto_error=False))]
type AliasedCaller = SignedIn


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(["first"])


@pytest.fixture
def client(make_app, client_of, router: Router, shelf):
    return lambda **options: client_of(make_app(router, provided=[shelf], **options))


def test_a_route_is_the_function_that_was_written(router: Router):
    @router.get("/books")
    def read_books(shelf: Given[Shelf]) -> list[str]:
        return shelf.books

    assert read_books(Shelf(["x"])) == ["x"]
    assert [(each.method, each.path, each.endpoint) for each in router.routes] == [("GET", "/books", read_books)]


def test_every_method_is_recorded_with_its_options(router: Router):
    methods = {"get": "GET", "post": "POST", "put": "PUT", "patch": "PATCH", "delete": "DELETE"}
    for name in methods:
        getattr(router, name)("/x", status_code=202)(lambda: None)
    assert [each.method for each in router.routes] == list(methods.values())
    assert all(each.options["status_code"] == 202 and each.options["tags"] == ["sample"] for each in router.routes)


def test_a_parameter_is_what_the_wiring_made_beside_those_of_the_request(client, router: Router):
    @router.post("/books/{place}", status_code=201)
    def add_book(shelf: Given[Shelf], place: int, body: NewBook, *, is_last: bool = False) -> dict[str, object]:
        shelf.books.append(body.title)
        return {"place": place, "is_last": is_last, "books": shelf.books}

    answer = client().post("/books/3?is_last=true", json={"title": "second"})
    assert (answer.status_code, answer.json()) == (
        201, {"place": 3, "is_last": True, "books": ["first", "second"]},
    )  # fmt: skip


def test_what_the_wiring_lacks_is_told_when_the_application_is_built(make_app, router: Router):
    @router.get("/books")
    def read_books(shelf: Given[Shelf]) -> list[str]:
        return shelf.books

    with pytest.raises(TypeError, match="read_books wants a Shelf, which the wiring lacks"):
        make_app(router)


@pytest.mark.parametrize("annotation", [SignedIn, AliasedCaller])
def test_what_is_read_from_the_request_comes_as_a_parameter(client, router: Router, annotation):
    def read_caller(who):
        return {"caller": who.name}

    read_caller.__annotations__["who"] = annotation
    router.get("/me")(read_caller)
    assert client().get("/me", headers={"x-caller": "ada"}).json() == {"caller": "ada"}


def test_a_request_is_validated_before_anybody_is_asked_for(client, router: Router):
    calls = []

    def counted(request: Request, provided: Any) -> Caller:
        calls.append(1)
        return caller_of(request, provided)

    @router.post("/books/{place}")
    def add_book(
        caller: Annotated[Caller, FromRequest(counted)],
        place: int,
        body: NewBook,
        limit: Annotated[int, Query(le=9)] = 1,
    ) -> str:
        return f"{caller.name} {place} {body.title} {limit}"

    ask = client()
    for path, body in (("/books/x", {"title": "t"}), ("/books/1", {}), ("/books/1?limit=10", {"title": "t"})):
        assert ask.post(path, json=body).status_code == 422
    assert calls == []
    assert ask.post("/books/1", json={"title": "t"}).status_code == 401
    assert ask.post("/books/1", json={"title": "t"}, headers={"x-caller": "a"}).json() == "a 1 t 1"
    assert calls == [1, 1]


def test_what_is_read_belongs_to_one_request(client, router: Router):
    made: list[list[str]] = []

    def fresh(_request: Request, _provided: Any) -> list[str]:
        made.append([])
        return made[-1]

    @router.get("/fresh")
    def read(mine: Annotated[list[str], FromRequest(fresh)]) -> int:
        mine.append("x")
        return len(mine)

    ask = client()
    assert [ask.get("/fresh").json() for _ in range(3)] == [1, 1, 1]
    assert len(made) == 3


def test_nothing_to_say_is_said_without_a_body(client, router: Router):
    @router.delete("/books", status_code=204)
    def remove(shelf: Given[Shelf]) -> None:
        shelf.books.clear()

    answer = client().delete("/books")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers


def test_an_answer_with_headers_passes_as_it_is(client, router: Router):
    @router.get("/text", status_code=201)
    def read() -> Response:
        return PlainTextResponse("text", status_code=202, headers={"x-own": "1"})

    answer = client().get("/text")
    assert (answer.status_code, answer.text, answer.headers["x-own"]) == (202, "text", "1")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1.50"), "1.5"),
        (Decimal(3), "3.0"),
        ({"a": [Decimal("0.1"), None, True]}, '{"a":[0.1,null,true]}'),
        ("é \u2028", '"é \u2028"'),
        (None, "null"),
    ],
)
def test_plain_values_become_json(client, router: Router, value, text):
    @router.get("/value")
    def read() -> Any:
        return value

    answer = client().get("/value")
    assert (answer.text, answer.headers["content-type"]) == (text, "application/json")


def test_what_is_no_json_is_a_500(client, router: Router):
    @router.get("/object")
    def read() -> object:
        return object()

    assert client().get("/object").json()["code"] == "internal_error"


# ---- threads ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def threads_of(client, router: Router, resources):
    """The threads that an endpoint and what it reads from the request run in, beside that of the event loop."""

    def thread(_request: Request, _provided: Any) -> int:
        return threading.get_ident()

    @router.get("/threads")
    def read(read_in: Annotated[int, FromRequest(thread)], shelf: Given[Shelf]) -> list[int]:
        return [read_in, threading.get_ident(), len(shelf.books)]

    def ask(*, serves_many: bool) -> tuple[set[int], int]:
        opened = client(resources=replace(resources, serves_many=serves_many))
        with opened:
            loop = opened.portal.call(threading.get_ident)
            before = threading.active_count()
            *found, _ = opened.get("/threads").json()
            return {*found, loop}, threading.active_count() - before

    return ask


def test_endpoints_run_where_they_are_called_and_start_no_thread(threads_of):
    assert [len(each) if isinstance(each, set) else each for each in threads_of(serves_many=False)] == [1, 0]


def test_where_one_process_serves_several_requests_each_has_its_thread(threads_of):
    found, started = threads_of(serves_many=True)
    assert len(found) == 2, "the endpoint and what it reads, and the loop"
    assert started == 1


def test_a_dependency_that_would_start_a_thread_is_refused(make_app):
    def dependency() -> int:
        return 1

    def annotated(value: Annotated[int, Depends(dependency)]) -> int:
        return value

    def by_default(value: int = Depends(dependency)) -> int:
        return value

    for endpoint in (annotated, by_default):
        router = Router(tags=[])
        router.get("/x")(endpoint)
        with pytest.raises(TypeError, match="FromRequest instead"):
            make_app(router)


# ---- the document ----------------------------------------------------------------------------------------------------


def test_the_document_knows_the_request_and_how_to_sign_in_and_nothing_of_the_wiring(make_app, router: Router, shelf):
    class Answer(BaseModel):
        place: int

    @router.post("/books/{place}", response_model=Answer, status_code=201)
    def add_book(
        shelf: Given[Shelf], caller: SignedIn, place: int, body: Annotated[NewBook, Body()], limit: int = 5
    ) -> dict[str, object]:
        """Put a book on the shelf."""
        return {"shelf": shelf, "caller": caller, "place": place, "body": body, "limit": limit}

    document = make_app(router, provided=[shelf]).openapi()
    operation = document["paths"]["/books/{place}"]["post"]
    assert [(each["name"], each["in"]) for each in operation["parameters"]] == [("place", "path"), ("limit", "query")]
    assert operation["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/NewBook"}
    assert operation["responses"]["201"]["content"]["application/json"]["schema"]["$ref"].endswith("/Answer")
    assert operation["security"] == [{"HTTPBearer": []}]
    assert operation["tags"] == ["sample"]
    assert (operation["summary"], operation["description"]) == ("Add Book", "Put a book on the shelf.")
    assert document["components"]["securitySchemes"] == {"HTTPBearer": {"type": "http", "scheme": "bearer"}}


def test_an_answer_is_not_validated_again(client, router: Router):
    class Answer(BaseModel):
        place: int

    @router.get("/wrong", response_model=Answer)
    def read() -> dict[str, str]:
        return {"place": "no number", "more": "x"}

    assert client().get("/wrong").json() == {"place": "no number", "more": "x"}


def test_an_application_can_be_built_twice_of_the_same_routes(make_app, client_of, router: Router):
    @router.get("/books")
    def read_books(shelf: Given[Shelf]) -> list[str]:
        return shelf.books

    build: Callable[[str], Any] = lambda name: client_of(make_app(router, provided=[Shelf([name])]))  # noqa: E731
    first, second = build("one"), build("two")
    assert (first.get("/books").json(), second.get("/books").json()) == (["one"], ["two"])
