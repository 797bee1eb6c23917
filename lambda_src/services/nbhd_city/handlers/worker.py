"""Lambda entry point of the worker: the task queue and the schedules."""

from lambda_src.runtime.observability import Metrics, configure_logging
from lambda_src.services.nbhd_city.bootstrap.real import real_surroundings
from lambda_src.services.nbhd_city.bootstrap.worker import build_worker
from lambda_src.services.nbhd_city.settings import WorkerSettings

_settings = WorkerSettings.from_environment()
configure_logging(service="nbhd-city-worker", level=_settings.log_level)
_metrics = Metrics(namespace="NbhdCity", service="nbhd_city")
handler = build_worker(_settings, real_surroundings(_settings, _metrics), after=_metrics.flush)
