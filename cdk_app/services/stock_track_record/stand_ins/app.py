"""Stand-ins for the outside services of Stock Track Record, the five under one roof.

They speak the real wire formats on loopback, check what they receive as the real services would, and tell of a
sample world. A client is pointed at them by its base URLs alone. Tests give `standins_app` a `World` of their own.
"""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from cdk_app.services.registry import VIDEOS_AND_PRICES
from cdk_app.services.stock_track_record.stand_ins.alpha_vantage import alpha_vantage_app
from cdk_app.services.stock_track_record.stand_ins.finnhub import finnhub_app
from cdk_app.services.stock_track_record.stand_ins.gemini import gemini_app
from cdk_app.services.stock_track_record.stand_ins.world import World
from cdk_app.services.stock_track_record.stand_ins.yahoo import yahoo_app
from cdk_app.services.stock_track_record.stand_ins.youtube import youtube_app

PATHS = VIDEOS_AND_PRICES.variables("")  # below the server's address, by the variable of the client


def sample_app() -> Starlette:
    """The sample world, as a local run has it."""
    return standins_app(World.sample())


def standins_app(world: World) -> Starlette:
    """All five; `GET /` answers 200 with the paths once the server is up."""
    return Starlette(
        routes=[
            Route("/", _index),
            Mount(PATHS["YOUTUBE_API_BASE_URL"], youtube_app(world)),
            Mount(PATHS["GEMINI_API_BASE_URL"], gemini_app(world)),
            Mount(PATHS["FINNHUB_API_BASE_URL"], finnhub_app(world)),
            Mount(PATHS["YAHOO_API_BASE_URL"], yahoo_app(world)),
            Mount(PATHS["ALPHA_VANTAGE_API_BASE_URL"], alpha_vantage_app(world)),
        ]
    )


async def _index(_: Request) -> Response:
    return JSONResponse({"standins": PATHS})
