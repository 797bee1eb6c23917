"""Lambda entry point of the API."""

from lambda_src.runtime.api_function import start_api  # first: see there
from lambda_src.services.algoitny import wiring
from lambda_src.services.algoitny.settings import ApiSettings

handler = start_api(wiring.NAMESPACE, wiring.PACKAGE, ApiSettings, wiring.api, primed="/health/ready")
