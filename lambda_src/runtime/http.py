"""The HTTP application of a service: FastAPI inside our middleware, with one way to answer errors."""

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Match, Route

from lambda_src.errors import AppError
from lambda_src.runtime.cors import CorsRules
from lambda_src.runtime.maintenance import MaintenanceGate
from lambda_src.runtime.middleware import (
    AnswerErrors,
    AnswerLimit,
    BodyLimit,
    Cors,
    ForeignWrites,
    Gzip,
    HeadAsGet,
    RequestScope,
    get_writes,
)
from lambda_src.runtime.paths import PlainPaths, TrailingSlash
from lambda_src.runtime.problems import ErrorAnswers, problem_response
from lambda_src.runtime.resources import Resources
from lambda_src.runtime.routing import Router, add_routes
from lambda_src.runtime.settings import ServiceSettings

DOCS_PATH: Final = "/docs"
MAX_BODY_BYTES: Final = 16_384
PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    "4XX": problem_response("The request was refused"),
    "5XX": problem_response("The service failed"),
}


def create_app(  # noqa: PLR0913 -- keyword-only, and each is a decision of the service
    *,
    title: str,
    version: str,
    settings: ServiceSettings,
    cors: CorsRules,
    routers: Iterable[Router],
    provided: Iterable[object],
    resources: Resources,
    errors: ErrorAnswers | None = None,
    health_paths: frozenset[str] = frozenset(),
    reads_by_post: frozenset[str] = frozenset(),
    max_body_bytes: int = MAX_BODY_BYTES,
    trailing_slash: bool = False,
) -> FastAPI:
    """The application of these routes. provided: what they ask for as `Given[...]`, found by its type.

    errors: how they are answered, where a published contract asks for something else. health_paths: beside /health and
    /health/ready, which maintenance leaves open. reads_by_post: paths that it leaves open as reads, although they are
    asked by POST. max_body_bytes: of a request. trailing_slash: one at the end of a path changes nothing.
    """
    is_production, mode = settings.is_production, settings.maintenance_mode
    answer = errors or ErrorAnswers()
    exceptions = {"health_paths": health_paths, "reads_by_post": reads_by_post}
    app = FastAPI(
        title=title,
        version=version,
        docs_url=None if is_production else DOCS_PATH,
        openapi_url=None if is_production else "/openapi.json",
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        redirect_slashes=False,
        # Metrics and traces come from the Lambda runtime and from our own log lines.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        exception_handlers={HTTPException: _on_error, RequestValidationError: _on_error, AppError: _on_error},
        middleware=[
            Middleware(
                RequestScope,
                usage=resources.client,
                html_paths=frozenset() if is_production else frozenset({DOCS_PATH}),
            ),
            *([Middleware(TrailingSlash)] if trailing_slash else []),
            Middleware(HeadAsGet),
            Middleware(Cors, rules=cors, answer=answer),
            Middleware(AnswerLimit, answer=answer),
            Middleware(Gzip),
            Middleware(AnswerErrors, answer=answer),
            Middleware(ForeignWrites, origins=cors.origins),
            Middleware(PlainPaths),
            Middleware(BodyLimit, limit_bytes=max_body_bytes),
            *([] if mode == "off" else [Middleware(MaintenanceGate, mode=mode, **exceptions)]),
        ],
    )
    app.state.answer_error = answer
    app.state.provided = {type(each): each for each in provided}
    served = tuple(routers)
    add_routes(app, served, provided=app.state.provided, in_threads=resources.serves_many)

    @cache
    def document() -> dict[str, Any]:
        described = FastAPI(title=title, version=version, responses=PROBLEMS)
        add_routes(described, served, provided=app.state.provided, in_threads=False, is_described=True)
        return described.openapi()

    app.openapi = document  # type: ignore[method-assign] # as FastAPI's documentation extends it
    return app


async def _on_error(request: Request, error: Exception) -> Response:
    answer: ErrorAnswers = request.app.state.answer_error
    if isinstance(error, HTTPException) and error.status_code == 405:
        error = HTTPException(405, headers={"Allow": ", ".join(sorted(_methods_of_path(request)))})
    return answer(error)


def _methods_of_path(request: Request) -> set[str]:
    """What the path can be asked with. Starlette names the methods of one route, and ours have one method each."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    matching = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    methods = {method for route in matching for method in route.methods or ()}
    return methods | {"HEAD"} if "GET" in methods and not get_writes(request.scope) else methods
