"""Lambda entry point of what counts the changes of the table."""

from lambda_src.runtime.worker_function import start_worker
from lambda_src.services.algoitny import wiring
from lambda_src.services.algoitny.settings import StatsSettings

handler = start_worker(wiring.NAMESPACE, wiring.PACKAGE, StatsSettings, wiring.stats, name="stats")
