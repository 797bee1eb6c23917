"""What planting sample data takes in every service: requests to an API that may have had them before."""

from typing import Any, Final

import httpx

TIMEOUT_SECONDS: Final = 30
CONFLICT: Final = httpx.codes.CONFLICT  # it is there already


def api_at(url: str) -> httpx.Client:
    """A client of the API at an address on this machine."""
    return httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS, trust_env=False)


def accepted(answer: httpx.Response) -> Any:
    """The body of an answer that says: done, or done before. Raises httpx.HTTPStatusError for any other."""
    if answer.status_code != CONFLICT:
        answer.raise_for_status()
    return answer.json()
