"""Lambda entry point of the worker: both queues and the schedule."""

from lambda_src.runtime.observability import Metrics, configure_logging
from lambda_src.services.stock_track_record.bootstrap.worker import build_worker
from lambda_src.services.stock_track_record.settings import WorkerSettings

_settings = WorkerSettings.from_environment()
configure_logging(service="stock-track-record-worker", level=_settings.log_level)
handler = build_worker(_settings, metrics=Metrics(namespace="StockTrackRecord", service="stock_track_record"))
