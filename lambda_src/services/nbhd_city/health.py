"""The service itself: what it is, whether it could serve, and what it refuses while maintenance is under way."""

from typing import Final, Literal

from starlette.types import ASGIApp, Receive, Scope, Send

from lambda_src.dynamo.store import Store
from lambda_src.errors import AppError, NotReady
from lambda_src.runtime.app_secret import AppSecret
from lambda_src.runtime.routing import Given, Router
from lambda_src.services.nbhd_city.bodies import MessageBody
from lambda_src.services.nbhd_city.errors import Maintenance
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


_ALWAYS_OPEN: Final = frozenset({"/", "/health", "/health/ready"})
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_READS_BY_POST: Final = "/api/users/batch"


class MaintenanceGate:
    """Raises Maintenance for what `mode` closes: `read_only` the writes of /api, `full` all but the health checks."""

    def __init__(self, app: ASGIApp, *, mode: Literal["read_only", "full"]) -> None:
        self.app = app
        self.mode = mode

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._is_closed(scope["method"], scope["path"]):
            raise Maintenance
        await self.app(scope, receive, send)

    def _is_closed(self, method: str, path: str) -> bool:
        if self.mode == "full":
            return path not in _ALWAYS_OPEN
        return path.startswith("/api/") and method not in _SAFE_METHODS and path != _READS_BY_POST
