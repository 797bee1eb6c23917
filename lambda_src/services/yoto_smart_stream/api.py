"""Lambda entry point of the API."""

from lambda_src.runtime.api_function import start_api  # first: see there
from lambda_src.services.yoto_smart_stream import wiring
from lambda_src.services.yoto_smart_stream.settings import ApiSettings

handler = start_api(wiring.NAMESPACE, wiring.PACKAGE, ApiSettings, wiring.api, primed="/api/ready")
