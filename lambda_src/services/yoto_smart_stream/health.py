"""The service itself: what it is, and whether it could serve."""

from typing import Any, Final, Literal

from starlette.responses import Response

from lambda_src.dynamo.store import Store
from lambda_src.errors import AppError
from lambda_src.runtime.routing import Given, JsonAnswer, Router
from lambda_src.services.yoto_smart_stream.settings import ApiSettings
from lambda_src.services.yoto_smart_stream.tables import PROBE_TABLE

VERSION: Final = "1.0.0"

router: Final = Router(tags=["service"])


@router.get("/health", response_model=dict[str, str])
@router.get("/api/health", response_model=dict[str, str])
def health(settings: Given[ApiSettings]) -> dict[str, str]:
    """The function runs; nothing else is touched."""
    return {"status": "healthy", "version": VERSION, "environment": settings.environment}


@router.get("/api/ready", response_model=dict[str, Any])
def ready(store: Given[Store], settings: Given[ApiSettings]) -> Response:
    """Whether the table answers."""
    kind: Literal["dynamodb", "sqlite"] = "dynamodb" if settings.dynamodb_table else "sqlite"
    try:
        store.get(PROBE_TABLE)
    except AppError as exc:
        return JsonAnswer({"ready": False, "code": exc.code, "detail": exc.detail}, status_code=503)
    return JsonAnswer({"ready": True, "store": kind})
