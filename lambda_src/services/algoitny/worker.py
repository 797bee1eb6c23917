"""Lambda entry point of the worker: the queue and the schedules."""

from lambda_src.runtime.worker_function import start_worker
from lambda_src.services.algoitny import wiring
from lambda_src.services.algoitny.settings import WorkerSettings

handler = start_worker(wiring.NAMESPACE, wiring.PACKAGE, WorkerSettings, wiring.worker)
