"""The five stand-ins under one roof, and the addresses that a client is given for them."""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from cdk_app.local.standins.alpha_vantage import alpha_vantage_app
from cdk_app.local.standins.finnhub import finnhub_app
from cdk_app.local.standins.gemini import gemini_app
from cdk_app.local.standins.world import World
from cdk_app.local.standins.yahoo import yahoo_app
from cdk_app.local.standins.youtube import youtube_app

# Environment variable of the client -> path of its stand-in below the server's address.
BASE_URLS: Mapping[str, str] = MappingProxyType(
    {
        "YOUTUBE_API_BASE_URL": "/youtube/youtube/v3",
        "GEMINI_API_BASE_URL": "/gemini/v1beta",
        "FINNHUB_API_BASE_URL": "/finnhub/api/v1",
        "YAHOO_API_BASE_URL": "/yahoo",
        "ALPHA_VANTAGE_API_BASE_URL": "/alpha-vantage",
    }
)


def base_urls(server_url: str) -> dict[str, str]:
    """The five environment variables for a server at `http://127.0.0.1:<port>`."""
    return {name: server_url.rstrip("/") + path for name, path in BASE_URLS.items()}


def standins_app(world: World) -> Starlette:
    """All five; `GET /` answers 200 with the paths once the server is up."""
    return Starlette(
        routes=[
            Route("/", _index),
            Mount(BASE_URLS["YOUTUBE_API_BASE_URL"], youtube_app(world)),
            Mount(BASE_URLS["GEMINI_API_BASE_URL"], gemini_app(world)),
            Mount(BASE_URLS["FINNHUB_API_BASE_URL"], finnhub_app(world)),
            Mount(BASE_URLS["YAHOO_API_BASE_URL"], yahoo_app(world)),
            Mount(BASE_URLS["ALPHA_VANTAGE_API_BASE_URL"], alpha_vantage_app(world)),
        ]
    )


async def _index(_: Request) -> Response:
    return JSONResponse({"standins": dict(BASE_URLS)})
