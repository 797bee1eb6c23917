"""A stand-in for BlueSky: authorization server, directory of identities, account server and public profiles.

It speaks the real wire formats on loopback and checks what it receives as the real servers would: pushed requests,
PKCE, DPoP proofs and their nonces, client assertions against the client's published keys, codes that work once. People
sign in on a plain page with the names of sample accounts. Tests give `bluesky_app` a `World` of their own.
"""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cdk_app.services.nbhd_city.bluesky.accounts import account_routes
from cdk_app.services.nbhd_city.bluesky.authorization import authorization_routes
from cdk_app.services.nbhd_city.bluesky.world import World


def sample_app() -> Starlette:
    """The sample accounts, as a local run has them."""
    return bluesky_app(World())


def bluesky_app(world: World) -> Starlette:
    """The stand-in; `GET /` answers 200 with its accounts once the server is up."""

    async def index(_: Request) -> Response:
        return JSONResponse({"accounts": {account.handle: account.did for account in world.accounts.values()}})

    return Starlette(routes=[Route("/", index), *authorization_routes(world), *account_routes(world)])
