"""What the API refuses while maintenance is under way."""

from typing import Final, Literal

from starlette.types import ASGIApp, Receive, Scope, Send

from lambda_src.services.nbhd_city.errors import Maintenance

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
