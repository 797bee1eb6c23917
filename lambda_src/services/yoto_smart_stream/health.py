"""The service itself: what it is, and whether it could serve."""

import logging
from typing import Any, Final, Literal

from starlette.responses import Response

from lambda_src.dynamo.store import Store
from lambda_src.errors import AppError
from lambda_src.runtime.routing import Given, JsonAnswer, Router
from lambda_src.services.yoto_smart_stream.errors import ConfigurationError, Published
from lambda_src.services.yoto_smart_stream.settings import ApiSettings
from lambda_src.services.yoto_smart_stream.tables import PROBE_TABLE

VERSION: Final = "1.0.0"
PATHS: Final = frozenset({"/api/health", "/api/ready"})
NO_TABLE: Final = "The server is not configured: DYNAMODB_TABLE is not set."

logger = logging.getLogger(__name__)

router: Final = Router(tags=["service"])
closed_router: Final = Router(tags=["service"])
"""What a function has that was told of no table."""


@router.get("/health", response_model=dict[str, str])
@router.get("/api/health", response_model=dict[str, str])
@closed_router.get("/health", response_model=dict[str, str])
@closed_router.get("/api/health", response_model=dict[str, str])
def health(settings: Given[ApiSettings]) -> dict[str, str]:
    """The function runs; nothing else is touched."""
    return {"status": "healthy", "version": VERSION, "environment": settings.environment}


@router.get("/api/ready", response_model=dict[str, Any])
def ready(store: Given[Store], settings: Given[ApiSettings], published: Given[Published]) -> Response:
    """Whether the table answers."""
    kind: Literal["dynamodb", "sqlite"] = "sqlite" if settings.is_on_sqlite else "dynamodb"
    try:
        store.get(PROBE_TABLE)
    except AppError as exc:
        logger.warning("not ready", exc_info=exc)
        shown = published(exc)
        return JsonAnswer({"ready": False, "code": shown.code, "detail": shown.detail}, status_code=503)
    return JsonAnswer({"ready": True, "store": kind})


@closed_router.get("/{path:path}", response_model=None)
@closed_router.post("/{path:path}", response_model=None)
@closed_router.put("/{path:path}", response_model=None)
@closed_router.patch("/{path:path}", response_model=None)
@closed_router.delete("/{path:path}", response_model=None)
def refuse_all(path: str) -> None:  # noqa: ARG001 -- each is refused
    """Without a table there is nothing to serve, and nothing may be kept elsewhere."""
    raise ConfigurationError(NO_TABLE)
