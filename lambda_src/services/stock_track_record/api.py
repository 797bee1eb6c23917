"""Lambda entry point of the API."""

from lambda_src.runtime.api_function import start_api  # first: see there
from lambda_src.services.stock_track_record import wiring
from lambda_src.services.stock_track_record.settings import ApiSettings

# primed by a page past the end: one read, and no cursor, whose key is a secret
handler = start_api(wiring.NAMESPACE, wiring.PACKAGE, ApiSettings, wiring.api, primed="/api/channels?page=1000000")
