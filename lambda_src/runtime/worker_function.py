"""How a worker function starts."""

from collections.abc import Callable

from lambda_src.runtime.observability import EmfMetrics, configure_logging
from lambda_src.runtime.resources import Resources
from lambda_src.runtime.settings import ServiceSettings
from lambda_src.runtime.worker import QueueWorker


def start_worker[S: ServiceSettings, M](
    namespace: str, package: str, settings: type[S], build: Callable[[S, Resources], QueueWorker[M]]
) -> QueueWorker[M]:
    """The function Lambda calls; otherwise as `api_function.start_api`. Raises SettingsInvalid."""
    values = settings.from_environment()
    configure_logging(service=f"{package.replace('_', '-')}-worker", level=values.log_level)
    return build(values, Resources.of(values, EmfMetrics(namespace=namespace, service=package)))
