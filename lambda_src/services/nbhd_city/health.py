"""The service itself: what it is, and whether it could serve."""

from typing import Final

from lambda_src.dynamo.store import Store
from lambda_src.errors import AppError, NotReady
from lambda_src.runtime.app_secret import AppSecret
from lambda_src.runtime.routing import Given, Router
from lambda_src.services.nbhd_city.bodies import MessageBody
from lambda_src.services.nbhd_city.settings import ApiSettings
from lambda_src.services.nbhd_city.tables import PROBE_TABLE

router: Final = Router(tags=["service"])


@router.get("/", response_model=MessageBody)
def about() -> dict[str, str]:
    """What this is."""
    return {"message": "Welcome to nbhd.city API"}


@router.get("/health", response_model=dict[str, str])
def health() -> dict[str, str]:
    """The function runs; nothing else is touched."""
    return {"status": "healthy"}


@router.get("/health/ready", response_model=dict[str, str])
def ready(store: Given[Store], secret: Given[AppSecret], settings: Given[ApiSettings]) -> dict[str, str]:
    """The table answers and the keys of tokens are there."""
    try:
        secret.current()
        store.get(PROBE_TABLE)
    except AppError as exc:
        raise NotReady from exc
    return {"status": "ready", "maintenance": settings.maintenance_mode}
