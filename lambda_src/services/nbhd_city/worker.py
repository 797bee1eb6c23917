"""Lambda entry point of the worker: the task queue and the schedules."""

from lambda_src.runtime.worker_function import start_worker
from lambda_src.services.nbhd_city import wiring
from lambda_src.services.nbhd_city.settings import WorkerSettings

handler = start_worker(wiring.NAMESPACE, wiring.PACKAGE, WorkerSettings, wiring.worker)
