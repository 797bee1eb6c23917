"""Routes that say what this is, and that it runs."""

from typing import Final

from lambda_src.runtime.routing import Router

TITLE: Final = "Stock Track Record"
VERSION: Final = "1.0.0"

router: Final = Router(tags=["service"])


@router.get("/health", response_model=dict[str, str])
def health() -> dict[str, str]:
    """The function runs; nothing else is touched."""
    return {"status": "ok"}


@router.get("/", response_model=dict[str, str])
def about() -> dict[str, str]:
    """What this is."""
    return {"name": TITLE, "version": VERSION, "docs": "/docs"}
