"""The HTTP application of a service: FastAPI inside the house's middleware, with one way to answer errors."""

from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.routing import Match, Route

from lambda_src.errors import AppError
from lambda_src.runtime.cors import CorsRules
from lambda_src.runtime.middleware import AnswerErrors, BodyLimit, Cors, RequestScope
from lambda_src.runtime.problems import ErrorAnswers, problem_response
from lambda_src.runtime.routing import InlineRoute
from lambda_src.runtime.usage import UsageSource

DOCS_PATH: Final = "/docs"

GZIP_MINIMUM_BYTES: Final = 1024
GZIP_LEVEL: Final = 6  # 9 takes twice the CPU time for 1-2 % of the size
GZIP_IN_THREAD_BYTES: Final = 1 << 62  # never: see InlineRoute


def create_app(  # noqa: PLR0913 -- keyword-only, and each is a decision of the service
    *,
    title: str,
    version: str,
    is_production: bool,
    cors: CorsRules,
    errors: ErrorAnswers | None = None,
    body_limit_bytes: int = 16_384,
    usage: UsageSource | None = None,
    inline_endpoints: bool = True,
) -> FastAPI:
    """An application without routes; add them on it (`@app.get(...)`), as plain `def`.

    errors: how they are answered, where a published contract asks for something else. usage: counts into the request
    log. inline_endpoints: False where one process serves several requests at once (see InlineRoute).
    """
    answer = errors or ErrorAnswers()
    app = FastAPI(
        title=title,
        version=version,
        docs_url=None if is_production else DOCS_PATH,
        openapi_url=None if is_production else "/openapi.json",
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        redirect_slashes=False,
        responses={"4XX": problem_response("The request was refused"), "5XX": problem_response("The service failed")},
        # Metrics and traces come from the Lambda runtime and from our own log lines.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        exception_handlers={HTTPException: _on_error, RequestValidationError: _on_error, AppError: _on_error},
        middleware=[
            Middleware(RequestScope, usage=usage, html_paths=frozenset() if is_production else frozenset({DOCS_PATH})),
            Middleware(Cors, rules=cors, answer=answer),
            Middleware(
                GZipMiddleware,
                minimum_size=GZIP_MINIMUM_BYTES,
                compresslevel=GZIP_LEVEL,
                thread_minimum_size=GZIP_IN_THREAD_BYTES,
            ),
            Middleware(AnswerErrors, answer=answer),
            Middleware(BodyLimit, limit_bytes=body_limit_bytes),
        ],
    )
    app.state.answer_error = answer
    if inline_endpoints:
        app.router.route_class = InlineRoute
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
    return {method for route in matching for method in route.methods or ()}
