"""Who gets what: settings and resources become the application and the worker.

Each function imports what it alone needs: a worker has no use for FastAPI, and importing it takes half a start.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lambda_src.dynamo.store import Store
from lambda_src.runtime.keyring import GeneratedKeys
from lambda_src.runtime.providers.provider import Access
from lambda_src.runtime.resources import Resources
from lambda_src.runtime.work_queue import WorkQueue
from lambda_src.services.stock_track_record.market.clients import AlphaVantageClient, FinnhubClient, YahooClient
from lambda_src.services.stock_track_record.market.repository import MarketRepository
from lambda_src.services.stock_track_record.market.service import Market, Shares
from lambda_src.services.stock_track_record.messages import Message, PriceMessage, Queues, RunMessage, parse_message
from lambda_src.services.stock_track_record.prices.repository import PriceRepository
from lambda_src.services.stock_track_record.processing_log import LogLines, ProcessingLog
from lambda_src.services.stock_track_record.settings import ApiSettings, Settings, WorkerSettings
from lambda_src.services.stock_track_record.tables import TABLES

if TYPE_CHECKING:
    from fastapi import FastAPI

    from lambda_src.runtime.worker import QueueWorker

NAMESPACE: Final = "StockTrackRecord"
PACKAGE: Final = "stock_track_record"


@dataclass(frozen=True, slots=True)
class Shared:
    """What both functions are made of."""

    store: Store
    access: Access
    log: ProcessingLog
    shares: Shares
    market: Market
    prices: PriceRepository
    queues: Queues


def shared(settings: Settings, resources: Resources, store: Store, *, repeats: int) -> Shared:
    """repeats: how often a short call to an outside service is repeated; 0 where somebody waits for the answer."""
    clock = resources.clock
    access = Access(resources.http(), resources.secret(settings.api_keys_secret_id), repeats, resources.sleep)
    # log key suffixes need to differ, not to be secret
    lines = LogLines(clock=clock, pick=resources.pick, retention_days=settings.log_retention_days)
    return Shared(
        store=store,
        access=access,
        log=ProcessingLog(store, lines),
        shares=Shares(store, clock),
        market=Market(
            repository=MarketRepository(store, clock),
            finnhub=FinnhubClient(access, base_url=settings.finnhub_api_base_url, clock=clock),
            yahoo=YahooClient(access, base_url=settings.yahoo_api_base_url),
            alpha_vantage=AlphaVantageClient(access, base_url=settings.alpha_vantage_api_base_url),
            clock=clock,
            sleep=resources.sleep,
        ),
        prices=PriceRepository(store, clock),
        queues=Queues(
            runs=WorkQueue[RunMessage](resources.queue, settings.sqs_queue_url),
            prices=WorkQueue[PriceMessage](resources.queue, settings.price_queue_url),
        ),
    )


def api(settings: ApiSettings, resources: Resources) -> "FastAPI":
    """The application."""
    from lambda_src.runtime.http import create_app
    from lambda_src.services.stock_track_record import about
    from lambda_src.services.stock_track_record.channels import routes as channels
    from lambda_src.services.stock_track_record.channels.repository import ChannelRepository
    from lambda_src.services.stock_track_record.channels.service import ChannelService
    from lambda_src.services.stock_track_record.legacy import LegacyReader
    from lambda_src.services.stock_track_record.prices import routes as prices
    from lambda_src.services.stock_track_record.prices.service import PriceService
    from lambda_src.services.stock_track_record.results import routes as results
    from lambda_src.services.stock_track_record.results.service import ResultService

    clock, keys = resources.clock, GeneratedKeys(resources.secret(settings.cursor_secret_id))
    store = resources.store(TABLES, settings, keys=keys)
    parts = shared(settings, resources, store, repeats=0)
    listed = ChannelService(store, ChannelRepository(store, parts.log, clock), parts.queues, clock, settings)
    legacy = LegacyReader(store, listed, parts.queues)
    return create_app(
        title=about.TITLE,
        version=about.VERSION,
        settings=settings,
        cors=settings.cors,
        routers=[channels.router, results.router, prices.router, about.router],
        provided=[
            store,
            listed,
            ResultService(store, listed, parts.shares, legacy, clock),
            PriceService(store, parts.prices, listed, parts.shares, parts.market, legacy, parts.queues, clock),
        ],
        resources=resources,
    )


def worker(settings: WorkerSettings, resources: Resources) -> "QueueWorker[Message]":
    """The handler of both queues and of the schedule."""
    from lambda_src.runtime.providers.gemini import GeminiClient
    from lambda_src.runtime.worker import QueueWorker, WorkerQueue
    from lambda_src.services.stock_track_record.dispatch import Dispatcher
    from lambda_src.services.stock_track_record.legacy import LayoutUpgrade
    from lambda_src.services.stock_track_record.market.service import ShareVerifier
    from lambda_src.services.stock_track_record.prices.backfill import PriceWork
    from lambda_src.services.stock_track_record.runs.clients import YouTubeClient
    from lambda_src.services.stock_track_record.runs.repository import RunRepository
    from lambda_src.services.stock_track_record.runs.service import ListingService, Runs
    from lambda_src.services.stock_track_record.upkeep import UpkeepRepository, UpkeepService
    from lambda_src.services.stock_track_record.videos.clients import VideoAnalyst
    from lambda_src.services.stock_track_record.videos.repository import VideoRepository
    from lambda_src.services.stock_track_record.videos.service import AnalysisService

    store, clock, metrics = resources.store(TABLES, settings), resources.clock, resources.metrics
    parts = shared(settings, resources, store, repeats=2)
    access, log, queues = parts.access, parts.log, parts.queues
    youtube = YouTubeClient(access, base_url=settings.youtube_api_base_url, allow_search=settings.youtube_allow_search)
    gemini = GeminiClient(
        access,
        base_url=settings.gemini_api_base_url,
        model=settings.gemini_model,
        timeout_seconds=settings.gemini_timeout_seconds,
    )
    verifier = ShareVerifier(
        parts.shares, parts.market, MarketRepository(store, clock), clock, is_on=settings.ticker_verification
    )
    run_writes, video_writes = RunRepository(store, log, clock), VideoRepository(store, log, clock)
    runs = Runs(store, run_writes, queues, metrics, clock, settings.prices_wait_seconds)
    layout = LayoutUpgrade(store, clock)
    dispatcher = Dispatcher(
        runs=runs,
        listing=ListingService(store, runs, run_writes, log, queues, youtube, gemini, clock, settings),
        analysis=AnalysisService(video_writes, runs, log, queues, VideoAnalyst(gemini), verifier, clock, settings),
        prices=PriceWork(store, parts.prices, log, parts.shares, parts.market, queues, clock, settings),
        upkeep=UpkeepService(store, UpkeepRepository(store, clock), runs, layout, log, queues, clock),
        log=log,
        queues=queues,
        metrics=metrics,
        settings=settings,
    )
    return QueueWorker(
        parse=parse_message,
        kind=lambda message: message.type,
        budget_seconds=dispatcher.budget_seconds,
        handle=dispatcher.handle,
        on_exhausted=dispatcher.exhausted,
        queue=resources.queue,
        queues=[
            WorkerQueue(settings.sqs_queue_url, settings.sqs_dlq_url),
            WorkerQueue(settings.price_queue_url, settings.price_dlq_url),
        ],
        grace_seconds=settings.visibility_margin_seconds,
        retry_base_seconds=settings.retry_base_seconds,
        tasks={"sweep": dispatcher.upkeep.sweep},
        usage=resources.client,
        after=metrics.flush,
    )
