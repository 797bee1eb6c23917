"""All of the stand-in under one roof, and the addresses that a service is given for it."""

from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cdk_app.local.bluesky.accounts import DIRECTORY, PUBLIC_API, account_routes
from cdk_app.local.bluesky.authorization import BASIC, authorization_routes
from cdk_app.local.bluesky.world import World


def settings_for(server_url: str) -> Mapping[str, str]:
    """The environment variables of a service, for both profiles, for a server at `http://localhost:<port>`."""
    url = server_url.rstrip("/")
    return {
        "BLUESKY_OAUTH_ISSUER": url,
        "BLUESKY_OAUTH_AUTHORIZATION_ENDPOINT": f"{url}{BASIC}/authorize",
        "BLUESKY_OAUTH_TOKEN_ENDPOINT": f"{url}{BASIC}/token",
        "PLC_DIRECTORY_URL": f"{url}{DIRECTORY}",
        "BLUESKY_PUBLIC_API_URL": f"{url}{PUBLIC_API}",
    }


def bluesky_app(world: World) -> Starlette:
    """The stand-in; `GET /` answers 200 with its accounts once the server is up."""

    async def index(_: Request) -> Response:
        return JSONResponse({"accounts": {account.handle: account.did for account in world.accounts.values()}})

    return Starlette(routes=[Route("/", index), *authorization_routes(world), *account_routes(world)])
