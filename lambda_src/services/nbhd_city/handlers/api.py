"""Lambda entry point of the API. Importing it builds everything, so that the first request finds it ready."""

import gc

gc.disable()  # nothing made while the function starts is garbage

from lambda_src.runtime import openapi_models  # noqa: E402

openapi_models.load_lazily()  # before the imports below, which import FastAPI

from lambda_src.runtime.lambda_http import lambda_handler, prepare_for_snapshot, prime  # noqa: E402
from lambda_src.runtime.observability import Metrics, configure_logging  # noqa: E402
from lambda_src.services.nbhd_city.bootstrap.api import build_api  # noqa: E402
from lambda_src.services.nbhd_city.bootstrap.real import real_surroundings  # noqa: E402
from lambda_src.services.nbhd_city.handlers.routes import create  # noqa: E402
from lambda_src.services.nbhd_city.settings import ApiSettings  # noqa: E402

_settings = ApiSettings.from_environment()
configure_logging(service="nbhd-city-api", level=_settings.log_level)
_metrics = Metrics(namespace="NbhdCity", service="nbhd_city")
_api = build_api(_settings, real_surroundings(_settings, _metrics))
handler = lambda_handler(create(_api), after=_metrics.flush)
prime(handler, "/api/nbhds/00000000-0000-4000-8000-000000000000")  # one read of nothing, and no token to be checked
prepare_for_snapshot(_api.disconnect)

gc.freeze()
gc.enable()
