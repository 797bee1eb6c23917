"""What planting sample data takes in every service: requests to an API that may have had them before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from cdk_app.services.service import FirstAccount

TIMEOUT_SECONDS: Final = 30
CONFLICT: Final = httpx.codes.CONFLICT  # it is there already


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where sample data are planted, as addresses on this machine.

    url: of the API. accounts: who exists from the start. stand_ins: of outside services, by name. dynamodb_url: of the
    tables, for what no route writes.
    """

    url: str
    accounts: Sequence[FirstAccount] = ()
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    dynamodb_url: str = ""


def api_at(url: str) -> httpx.Client:
    """A client of the API at an address on this machine."""
    return httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS, trust_env=False)


def accepted(answer: httpx.Response) -> Any:
    """The body of an answer that says: done, or done before. Raises httpx.HTTPStatusError for any other."""
    if answer.status_code != CONFLICT:
        answer.raise_for_status()
    return answer.json()
