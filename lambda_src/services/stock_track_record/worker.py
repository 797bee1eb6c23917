"""Lambda entry point of the worker: both queues and the schedule."""

from lambda_src.runtime.worker_function import start_worker
from lambda_src.services.stock_track_record import wiring
from lambda_src.services.stock_track_record.settings import WorkerSettings

handler = start_worker(wiring.NAMESPACE, wiring.PACKAGE, WorkerSettings, wiring.worker)
