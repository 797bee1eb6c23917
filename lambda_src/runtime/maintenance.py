"""What an API refuses while somebody moves, restores or mends its data."""

from typing import Final, Literal

from starlette.types import ASGIApp, Receive, Scope, Send

from lambda_src.errors import Maintenance

_ALWAYS_OPEN: Final = frozenset({"/", "/health", "/health/ready"})
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class MaintenanceGate:
    """Raises Maintenance for what `mode` closes: `read_only` the writes of /api, `full` all but the health checks.

    health_paths: of those that a service has beside the common ones. reads_by_post: paths whose POST only reads. A GET
    that brings something up to date by the way, such as a price that is too old, goes on doing so unless everything is
    closed.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        mode: Literal["read_only", "full"],
        health_paths: frozenset[str],
        reads_by_post: frozenset[str],
    ) -> None:
        self.app, self.mode, self.reads_by_post = app, mode, reads_by_post
        self.always_open = _ALWAYS_OPEN | health_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._is_closed(scope):
            raise Maintenance
        await self.app(scope, receive, send)

    def _is_closed(self, scope: Scope) -> bool:
        path, method = scope["path"], scope["method"]
        if self.mode == "full":
            return path not in self.always_open
        return path.startswith("/api/") and method not in _SAFE_METHODS and path not in self.reads_by_post
