"""The routes of the API: each calls one use case and shapes its answer."""

from typing import Annotated, Final

from fastapi import FastAPI, Query
from starlette.responses import JSONResponse, Response

from lambda_src.runtime.http import create_app
from lambda_src.services.stock_track_record.bootstrap.api import Api
from lambda_src.services.stock_track_record.handlers import schemas

TITLE: Final = "Stock Track Record"
VERSION: Final = "1.0.0"

type Page = Annotated[int, Query(ge=1, description="Number of the page, from 1")]
type PerPage = Annotated[int, Query(ge=1, le=100, description="Channels per page")]
type ListCursor = Annotated[str | None, Query(description="`next_cursor` of the page before; overrides `page`")]
type Since = Annotated[str | None, Query(max_length=64, description="ISO 8601 date-time, inclusive")]
type LogLimit = Annotated[int, Query(ge=1, le=1000)]
type TimelineLimit = Annotated[int | None, Query(ge=1, le=2000, description="Videos; without it all of them")]
type Force = Annotated[bool, Query(description="Price every mention again, for example after a stock split")]


def create(api: Api, *, inline_endpoints: bool = True) -> FastAPI:
    """The application over services that are joined already.

    inline_endpoints: False where one process serves several requests at once, as a development server does.
    """
    settings = api.settings
    app = create_app(
        title=TITLE,
        version=VERSION,
        is_production=settings.is_production,
        cors=settings.cors,
        usage=api.usage,
        inline_endpoints=inline_endpoints,
    )
    _add_channel_routes(app, api)
    _add_result_routes(app, api)
    _add_price_routes(app, api)

    @app.get("/health", tags=["service"])
    def health() -> dict[str, str]:
        """The function runs; nothing else is touched."""
        return {"status": "ok"}

    @app.get("/", tags=["service"])
    def about() -> dict[str, str]:
        """What this is."""
        return {"name": TITLE, "version": VERSION, "docs": "/docs"}

    return app


def _add_channel_routes(app: FastAPI, api: Api) -> None:
    channels = api.channels

    @app.post("/api/channels", status_code=201, response_model=schemas.ChannelBody, tags=["channels"])
    def add_channel(body: schemas.NewChannel) -> Response:
        """Add a channel and queue its analysis."""
        channel = channels.add_channel(body.url, time_range_months=body.time_range_months)
        headers = {"Location": f"/api/channels/{channel.id}"}
        return JSONResponse(schemas.channel_json(channel), status_code=201, headers=headers)

    @app.get("/api/channels", response_model=schemas.ChannelListBody, tags=["channels"])
    def list_channels(page: Page = 1, per_page: PerPage = 20, cursor: ListCursor = None) -> Response:
        """Channels, newest first."""
        found = channels.channel_page(page=page, per_page=per_page, cursor=cursor)
        return JSONResponse(schemas.channel_list_json(found, page=page, per_page=per_page))

    @app.get("/api/channels/{channel_id}", response_model=schemas.ChannelBody, tags=["channels"])
    def read_channel(channel_id: str) -> Response:
        """One channel."""
        return JSONResponse(schemas.channel_json(channels.channel(channel_id)))

    @app.delete("/api/channels/{channel_id}", status_code=204, tags=["channels"])
    def delete_channel(channel_id: str) -> Response:
        """Delete a channel and everything known of it."""
        channels.delete_channel(channel_id)
        return Response(status_code=204)

    @app.post("/api/channels/{channel_id}/process", response_model=schemas.ChannelBody, tags=["channels"])
    def process_channel(channel_id: str) -> Response:
        """Begin a new run; videos analysed before are skipped."""
        return JSONResponse(schemas.channel_json(channels.process_channel(channel_id)))

    @app.post("/api/channels/{channel_id}/cancel", response_model=schemas.ChannelBody, tags=["channels"])
    def cancel_channel(channel_id: str) -> Response:
        """Stop the run that is under way."""
        return JSONResponse(schemas.channel_json(channels.cancel_channel(channel_id)))

    @app.get("/api/channels/{channel_id}/logs", response_model=schemas.LogListBody, tags=["channels"])
    def read_logs(channel_id: str, since: Since = None, limit: LogLimit = 1000) -> Response:
        """The processing log in ascending order: its newest lines, or the oldest ones from `since` on."""
        lines = channels.logs(channel_id, since=since, limit=limit)
        return JSONResponse({"logs": [schemas.log_json(line) for line in lines]})


def _add_result_routes(app: FastAPI, api: Api) -> None:
    results = api.results

    @app.get("/api/channels/{channel_id}/stocks", response_model=schemas.StockListBody, tags=["results"])
    def read_stocks(channel_id: str) -> Response:
        """Every stock the channel mentioned, and how it fared since."""
        stocks = [schemas.stock_json(stock) for stock in results.stocks(channel_id)]
        return JSONResponse({"channel_id": channel_id, "stocks": stocks})

    @app.get("/api/channels/{channel_id}/timeline", response_model=schemas.TimelineBody, tags=["results"])
    def read_timeline(channel_id: str, limit: TimelineLimit = None, cursor: ListCursor = None) -> Response:
        """Videos with their mentions, newest first."""
        return JSONResponse(schemas.timeline_json(results.timeline(channel_id, limit=limit, cursor=cursor)))

    @app.get("/api/channels/{channel_id}/stocks/{ticker}", response_model=schemas.StockDetailBody, tags=["results"])
    def read_stock(channel_id: str, ticker: str) -> Response:
        """The channel's mentions of one stock, oldest first."""
        normal, mentions = results.stock_in_channel(channel_id, ticker)
        found = [schemas.mention_json(mention, with_video=True) for mention in mentions]
        return JSONResponse({"ticker": normal, "channel_id": channel_id, "mentions": found})


def _add_price_routes(app: FastAPI, api: Api) -> None:
    prices = api.prices

    @app.post("/api/channels/{channel_id}/refresh-prices", response_model=schemas.RefreshBody, tags=["prices"])
    def refresh_prices(channel_id: str) -> Response:
        """Stored prices of the channel's stocks; old and missing ones are queued."""
        return JSONResponse(schemas.refresh_json(prices.refresh_prices(channel_id)))

    @app.post(
        "/api/channels/{channel_id}/backfill-prices",
        response_model=schemas.BackfillBody,
        response_model_exclude_none=True,
        tags=["prices"],
    )
    def backfill_prices(channel_id: str, *, force: Force = False) -> Response:
        """Queue the pricing of mentions that owe one."""
        return JSONResponse(schemas.backfill_json(prices.request_backfill(channel_id, force=force)))

    @app.get("/api/stocks/{ticker}/price", response_model=schemas.PriceBody, tags=["prices"])
    def read_price(ticker: str) -> Response:
        """The price of a stock now. Always 200: what is wrong stands in `error`."""
        return JSONResponse(schemas.price_json(prices.current_price(ticker)))
