"""The service itself: whether it runs, and whether it could serve."""

import logging
from typing import Any, Final

from starlette.responses import Response

from lambda_src.dynamo.store import Store
from lambda_src.errors import AppError
from lambda_src.runtime.routing import Given, JsonAnswer, Router
from lambda_src.services.algoitny.tables import NEWEST_ID

logger = logging.getLogger(__name__)

router: Final = Router(tags=["service"])


@router.get("/health", response_model=dict[str, str])
@router.get("/api/health", response_model=dict[str, str])
def health() -> dict[str, str]:
    """The function runs; nothing else is touched."""
    return {"status": "healthy"}


@router.get("/health/live", response_model=dict[str, str])
@router.get("/api/health/live", response_model=dict[str, str])
def live() -> dict[str, str]:
    """The function runs; nothing else is touched."""
    return {"status": "alive"}


@router.get("/health/ready", response_model=dict[str, Any])
@router.get("/api/health/ready", response_model=dict[str, Any])
def ready(store: Given[Store]) -> Response:
    """Whether the table answers. 1 request."""
    try:
        store.get(NEWEST_ID, name="user_id")
    except AppError as exc:
        logger.warning("not ready", exc_info=exc)
        return JsonAnswer({"status": "not ready", "checks": {"table": exc.code}}, status_code=503)
    return JsonAnswer({"status": "ready", "checks": {"table": "ok"}})


PATHS: Final = frozenset(route.path for route in router.routes)
