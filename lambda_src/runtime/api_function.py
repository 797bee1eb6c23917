"""How an API function starts: importing its entry point builds everything, so that the first request finds it ready.

Import this module before anything else of the function: it keeps the garbage collector out of what follows, since
nothing made while a function starts is garbage, and looking for it costs a tenth of the start.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html: initialisation has a full CPU.
"""

import gc

gc.disable()

from collections.abc import Callable  # noqa: E402

from lambda_src.runtime import openapi_models  # noqa: E402

openapi_models.load_lazily()  # before the imports below, which import FastAPI

from fastapi import FastAPI  # noqa: E402

from lambda_src.runtime.lambda_http import LambdaHandler, lambda_handler, prepare_for_snapshot, prime  # noqa: E402
from lambda_src.runtime.observability import EmfMetrics, configure_logging  # noqa: E402
from lambda_src.runtime.resources import Resources  # noqa: E402
from lambda_src.runtime.settings import ServiceSettings  # noqa: E402


def start_api[S: ServiceSettings](
    namespace: str, package: str, settings: type[S], build: Callable[[S, Resources], FastAPI], *, primed: str
) -> LambdaHandler:
    """The function Lambda calls. namespace, package: names of the service in metrics. build: makes the application.

    primed: the path that is read once while the function starts; see `lambda_http.prime`. Raises SettingsInvalid.
    """
    values = settings.from_environment()
    configure_logging(service=f"{package.replace('_', '-')}-api", level=values.log_level)
    metrics = EmfMetrics(namespace=namespace, service=package)
    resources = Resources.of(values, metrics)
    handler = lambda_handler(build(values, resources), after=metrics.flush)
    prime(handler, primed)
    prepare_for_snapshot(resources.client.close)
    gc.freeze()
    gc.enable()
    return handler
