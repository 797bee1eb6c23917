"""Lambda entry point of the API."""

from lambda_src.runtime.api_function import start_api  # first: see there
from lambda_src.services.nbhd_city import wiring
from lambda_src.services.nbhd_city.settings import ApiSettings

# primed by one read of nothing, and no token to be checked
handler = start_api(
    wiring.NAMESPACE, wiring.PACKAGE, ApiSettings, wiring.api, primed="/api/nbhds/00000000-0000-4000-8000-000000000000"
)
