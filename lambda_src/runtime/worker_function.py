"""How a function starts that a queue, a schedule or a stream calls."""

from collections.abc import Callable

from lambda_src.runtime.observability import EmfMetrics, configure_logging
from lambda_src.runtime.resources import Resources
from lambda_src.runtime.settings import ServiceSettings


def start_worker[S: ServiceSettings, H](
    namespace: str, package: str, settings: type[S], build: Callable[[S, Resources], H], *, name: str = "worker"
) -> H:
    """The function Lambda calls: a QueueWorker, or a consumer of a stream; otherwise as `api_function.start_api`.

    name: which of the service's functions it is, in its log lines. Raises SettingsInvalid.
    """
    values = settings.from_environment()
    configure_logging(service=f"{package.replace('_', '-')}-{name}", level=values.log_level)
    return build(values, Resources.of(values, EmfMetrics(namespace=namespace, service=package)))
