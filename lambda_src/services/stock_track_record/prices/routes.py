"""Routes of prices, and their bodies."""

from typing import Annotated, Any, Final, Literal

from fastapi import Query
from pydantic import BaseModel

from lambda_src.runtime.bodies import Shape
from lambda_src.runtime.routing import Given, Router
from lambda_src.services.stock_track_record.bodies import Timestamp
from lambda_src.services.stock_track_record.prices.service import PriceAnswer, PriceService, Refresh

type Force = Annotated[bool, Query(description="Price every mention again, for example after a stock split")]


class RefreshBody(BaseModel):
    prices: dict[str, float]
    updated_at: Timestamp
    queued: int


class BackfillBody(BaseModel):
    status: Literal["no_videos", "complete", "started"]
    missing: int | None = None
    updated: int
    total: int


class PriceBody(BaseModel):
    ticker: str
    price: float | None
    updated_at: Timestamp | None
    error: str | None


REFRESH_SHAPE: Final = Shape[Refresh](RefreshBody)
PRICE_SHAPE: Final = Shape[PriceAnswer](PriceBody)

router: Final = Router(tags=["prices"])


@router.post("/api/channels/{channel_id}/refresh-prices", response_model=RefreshBody)
def refresh_prices(prices: Given[PriceService], channel_id: str) -> dict[str, Any]:
    """Stored prices of the channel's stocks; old and missing ones are queued."""
    return REFRESH_SHAPE(prices.refresh_prices(channel_id))


@router.post(
    "/api/channels/{channel_id}/backfill-prices", response_model=BackfillBody, response_model_exclude_none=True
)
def backfill_prices(prices: Given[PriceService], channel_id: str, *, force: Force = False) -> dict[str, Any]:
    """Queue the pricing of mentions that owe one."""
    backfill = prices.request_backfill(channel_id, force=force)
    body: dict[str, Any] = {"status": backfill.status, "updated": 0, "total": backfill.missing}
    return body if backfill.status == "no_videos" else body | {"missing": backfill.missing}


@router.get("/api/stocks/{ticker}/price", writes=True, response_model=PriceBody)
def read_price(prices: Given[PriceService], ticker: str) -> dict[str, Any]:
    """The price of a stock now. Always 200: what is wrong stands in `error`."""
    return PRICE_SHAPE(prices.current_price(ticker))
