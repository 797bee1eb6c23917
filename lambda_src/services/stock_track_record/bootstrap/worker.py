"""Joins settings, tables, queues and clients into the handler of both queues and of the schedule."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lambda_src.runtime.worker import Malformed, QueueWorker, WorkerQueue
from lambda_src.services.stock_track_record.bootstrap.common import (
    Outside,
    build_market,
    build_queues,
    build_repository,
    build_usage,
    default_outside,
    key_check,
)
from lambda_src.services.stock_track_record.clients.gemini import GeminiClient
from lambda_src.services.stock_track_record.clients.youtube import YouTubeClient
from lambda_src.services.stock_track_record.messages import Message, parse_message
from lambda_src.services.stock_track_record.service.analysis import AnalysisService
from lambda_src.services.stock_track_record.service.listing import ListingService
from lambda_src.services.stock_track_record.service.maintenance import MaintenanceService
from lambda_src.services.stock_track_record.service.parts import WorkerParts
from lambda_src.services.stock_track_record.service.price_work import PriceWork
from lambda_src.services.stock_track_record.service.verification import TickerVerifier
from lambda_src.services.stock_track_record.service.worker import WorkerService
from lambda_src.services.stock_track_record.settings import WorkerSettings

if TYPE_CHECKING:
    from lambda_src.runtime.observability import Metrics

MAX_RECEIVES: Final = 5  # as the queues' redrive policy says


def build_worker(
    settings: WorkerSettings, outside: Outside | None = None, *, metrics: "Metrics | None" = None
) -> QueueWorker[Message]:
    """The handler of both queues and of the schedule. metrics: counts failed runs; without it nothing is counted."""
    outside = outside or default_outside(settings, repeats=2)
    service = build_worker_service(settings, outside, metrics)
    return QueueWorker(
        parse=_parse,
        handle=service.handle,
        kind=lambda message: message.type,
        budget_seconds=service.budget_seconds,
        queue=outside.queue,
        queues=[
            WorkerQueue(settings.sqs_queue_url, settings.sqs_dlq_url),
            WorkerQueue(settings.price_queue_url, settings.price_dlq_url),
        ],
        max_receives=MAX_RECEIVES,
        grace_seconds=settings.visibility_margin_seconds,
        retry_base_seconds=settings.retry_base_seconds,
        on_exhausted=service.exhausted,
        tasks={"sweep": service.maintenance.sweep},
        usage=build_usage(outside),
        after=metrics.flush if metrics else None,
    )


def build_worker_service(settings: WorkerSettings, outside: Outside, metrics: "Metrics | None" = None) -> WorkerService:
    """The use cases of the worker."""
    repository = build_repository(settings, outside)
    parts = WorkerParts(repository=repository, queues=build_queues(settings, outside), clock=outside.clock)
    if metrics is not None:
        parts = replace(parts, count=metrics.count)
    market = build_market(settings, outside, repository)
    has_key = key_check(outside.keys)
    verifier = TickerVerifier(
        repository=repository,
        market=market,
        clock=outside.clock,
        excluded=settings.excluded,
        is_on=settings.ticker_verification,
    )
    return WorkerService(
        parts=parts,
        listing=ListingService(
            parts=parts,
            youtube=YouTubeClient(
                outside.http,
                base_url=settings.youtube_api_base_url,
                keys=outside.keys,
                allow_search=settings.youtube_allow_search,
            ),
            has_key=has_key,
            max_videos=settings.max_videos_per_run,
            lease_seconds=settings.channel_budget_seconds,
        ),
        analysis=AnalysisService(
            parts=parts,
            gemini=GeminiClient(
                outside.http,
                base_url=settings.gemini_api_base_url,
                keys=outside.keys,
                model=settings.gemini_model,
                timeout_seconds=settings.gemini_timeout_seconds,
            ),
            verifier=verifier,
            lease_seconds=settings.video_budget_seconds,
        ),
        prices=PriceWork(
            parts=parts, market=market, has_key=has_key, lease_seconds=settings.maintenance_budget_seconds
        ),
        maintenance=MaintenanceService(parts=parts),
        settings=settings,
    )


def _parse(body: str) -> Message:
    try:
        return parse_message(body)
    except ValueError as exc:
        raise Malformed(str(exc)) from exc
