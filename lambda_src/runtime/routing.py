"""Routes as plain functions, found by their name: a router records them, the application builds them.

    router = Router(tags=["neighborhoods"])

    @router.get("/api/nbhds/{nbhd_id}", response_model=NbhdBody)
    def read_nbhd(neighborhoods: Given[NeighborhoodService], caller: SignedIn, nbhd_id: str) -> dict[str, object]:
        ...

A parameter `Given[T]` is the T that the service's wiring made; one annotated with `FromRequest` is read from the
request after its parameters and body were found valid. Everything else is FastAPI's. What a function returns is the
answer: a Response, or plain values that become JSON.
"""

import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAliasType, get_args, get_origin

from fastapi import Depends, FastAPI, params
from fastapi.security.http import HTTPBase
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

type Endpoint = Callable[..., Any]
type Provided = Mapping[type, Any]
"""What the wiring made, by type."""

_REQUEST: Final = "http_request"  # the parameter that brings the request to what reads from it


@dataclass(frozen=True, slots=True)
class FromRequest:
    """Marks a parameter that is read from the request. read: from the request and what the wiring made.

    security: what the OpenAPI document says about it.
    """

    read: Callable[[Request, Provided], Any]
    security: HTTPBase | None = None


class _Given:
    """Marks a parameter that the wiring made."""


if TYPE_CHECKING:
    type Given[T] = T
else:

    class Given:
        """`Given[T]`: the T that the wiring made."""

        def __class_getitem__(cls, wanted: type) -> object:
            return Annotated[wanted, _Given()]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A route as it was declared. options: FastAPI's."""

    method: str
    path: str
    endpoint: Endpoint
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Router:
    """Records routes, in their order. tags: of all of them in the OpenAPI document."""

    tags: Sequence[str]
    routes: list[Recorded] = field(default_factory=list)

    def get[E: Endpoint](self, path: str, *, writes: bool = False, **options: Any) -> Callable[[E], E]:
        """writes: it changes something, so HEAD is not allowed."""
        return self._record("GET", path, {"writes": writes, **options})

    def post[E: Endpoint](self, path: str, **options: Any) -> Callable[[E], E]:
        return self._record("POST", path, options)

    def put[E: Endpoint](self, path: str, **options: Any) -> Callable[[E], E]:
        return self._record("PUT", path, options)

    def patch[E: Endpoint](self, path: str, **options: Any) -> Callable[[E], E]:
        return self._record("PATCH", path, options)

    def delete[E: Endpoint](self, path: str, **options: Any) -> Callable[[E], E]:
        return self._record("DELETE", path, options)

    def _record[E: Endpoint](self, method: str, path: str, options: Mapping[str, Any]) -> Callable[[E], E]:
        def record(endpoint: E) -> E:
            self.routes.append(Recorded(method, path, endpoint, {"tags": list(self.tags), **options}))
            return endpoint

        return record


class JsonAnswer(JSONResponse):
    """Plain values as JSON; a Decimal is the number nearest to it."""

    def render(self, content: object) -> bytes:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_number)
        return text.encode()


def add_routes(
    app: FastAPI, routers: Iterable[Router], *, provided: Provided, in_threads: bool, is_described: bool = False
) -> None:
    """Build the routes of an application. Raises TypeError for a parameter that the wiring does not provide.

    is_described: with the models of answers, which only a document shows and which take time to build.
    in_threads: run them in a thread pool, where one process serves several requests at once. Otherwise they run where
    they are called: a Lambda process serves one request at a time, so a pool gains nothing there; starting it costs
    about 15 ms of the first request and handing over 0.4 ms of every one.
    """
    for router in routers:
        for route in router.routes:
            endpoint, security = _bound(route, provided, in_threads=in_threads)
            options = dict(route.options) if is_described else {**route.options, "response_model": None}
            vars(endpoint)["writes"] = options.pop("writes", True)  # read by `middleware.HeadAsGet`
            if security:
                options["dependencies"] = [Depends(each) for each in security]
            app.add_api_route(route.path, endpoint, methods=[route.method], **options)


def _bound(route: Recorded, provided: Provided, *, in_threads: bool) -> tuple[Endpoint, list[HTTPBase]]:
    """The endpoint with what the wiring made filled in, and what its document says about signing in."""
    signature = inspect.signature(route.endpoint)
    fixed: dict[str, Any] = {}
    read: dict[str, FromRequest] = {}
    for name, parameter in signature.parameters.items():
        wanted, marker = _marked(parameter.annotation)
        if isinstance(marker, params.Depends) or isinstance(parameter.default, params.Depends):
            raise TypeError(f"{name} of {route.endpoint.__qualname__}: FromRequest instead, Depends may start a thread")
        if isinstance(marker, FromRequest):
            read[name] = marker
        elif marker is not None:
            if wanted not in provided:
                raise TypeError(f"{route.endpoint.__qualname__} wants a {wanted.__name__}, which the wiring lacks")
            fixed[name] = provided[wanted]
    call = _call(route, provided, fixed, read)
    if in_threads:
        endpoint: Endpoint = call
    else:

        async def endpoint(**arguments: Any) -> Response:  # so that no thread is needed
            return call(**arguments)

    endpoint.__name__, endpoint.__doc__ = route.endpoint.__name__, route.endpoint.__doc__
    endpoint.__signature__ = _remaining(signature, {*fixed, *read}, has_request=bool(read))  # type: ignore[attr-defined]
    return endpoint, [marker.security for marker in read.values() if marker.security is not None]


def _call(
    route: Recorded, provided: Provided, fixed: Mapping[str, Any], read: Mapping[str, FromRequest]
) -> Callable[..., Response]:
    function, status = route.endpoint, route.options.get("status_code", 200)

    def call(**arguments: Any) -> Response:
        if read:
            request = arguments.pop(_REQUEST)
            arguments |= {name: each.read(request, provided) for name, each in read.items()}
        answer = function(**arguments, **fixed)
        if isinstance(answer, Response):
            return answer
        return Response(status_code=status) if status == 204 else JsonAnswer(answer, status_code=status)

    return call


def _marked(annotation: Any) -> tuple[Any, _Given | FromRequest | params.Depends | None]:
    """The type of a parameter, and what says how it is filled where it is no part of the request."""
    if isinstance(annotation, TypeAliasType):
        return _marked(annotation.__value__)
    if get_origin(annotation) is Annotated:
        wanted, *marks = get_args(annotation)
        for mark in marks:
            if isinstance(mark, _Given | FromRequest | params.Depends):
                return wanted, mark
    return annotation, None


def _remaining(signature: inspect.Signature, filled: set[str], *, has_request: bool) -> inspect.Signature:
    """What FastAPI has to find in the request."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    left = [each.replace(kind=keyword) for name, each in signature.parameters.items() if name not in filled]
    if has_request:
        left.append(inspect.Parameter(_REQUEST, keyword, annotation=Request))
    return signature.replace(parameters=left, return_annotation=inspect.Signature.empty)


def _number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} is no JSON")
