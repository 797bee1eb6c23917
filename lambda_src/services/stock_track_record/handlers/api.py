"""Lambda entry point of the API. Importing it builds everything, so that the first request finds it ready.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html: initialisation has a full CPU.
"""

import gc

gc.disable()  # nothing made while the function starts is garbage: looking for it costs a tenth of the start

from lambda_src.runtime import openapi_models  # noqa: E402

openapi_models.load_lazily()  # before the imports below, which import FastAPI

from lambda_src.runtime.lambda_http import lambda_handler, prepare_for_snapshot, prime  # noqa: E402
from lambda_src.runtime.observability import configure_logging  # noqa: E402
from lambda_src.services.stock_track_record.bootstrap.api import build_api  # noqa: E402
from lambda_src.services.stock_track_record.handlers.routes import create  # noqa: E402
from lambda_src.services.stock_track_record.settings import ApiSettings  # noqa: E402

_settings = ApiSettings.from_environment()
configure_logging(service="stock-track-record-api", level=_settings.log_level)
_api = build_api(_settings)
handler = lambda_handler(create(_api))
prime(handler, "/api/channels?page=1000000")  # a page past the end: one read, and no cursor, whose key is a secret
prepare_for_snapshot(_api.disconnect)

gc.freeze()
gc.enable()
