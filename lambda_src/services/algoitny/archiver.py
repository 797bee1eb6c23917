"""Lambda entry point of the archiver: usage logs that expired, from the table's stream."""

from lambda_src.runtime.worker_function import start_worker
from lambda_src.services.algoitny import wiring
from lambda_src.services.algoitny.settings import ArchiverSettings

handler = start_worker(wiring.NAMESPACE, wiring.PACKAGE, ArchiverSettings, wiring.archiver, name="archiver")
