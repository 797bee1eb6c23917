"""What the use cases have in common."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from lambda_src.dynamo.cursor import CursorCodec
from lambda_src.errors import InvalidCursor
from lambda_src.services.nbhd_city.errors import NbhdNotFound
from lambda_src.services.nbhd_city.models import NbhdId, Neighborhood, Page

_NBHD_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Count(Protocol):
    """Adds one to a metric. by: what divides it, for example the reason of a failure."""

    def __call__(self, name: str, /, **by: str) -> None: ...


class Measure(Protocol):
    """Adds a duration to a metric. by: what divides it, for example the service that was asked."""

    def __call__(self, name: str, milliseconds: float, /, **by: str) -> None: ...


def count_nothing(_name: str, /, **_by: str) -> None:
    """For callers that keep no metrics."""


def measure_nothing(_name: str, _milliseconds: float, /, **_by: str) -> None:
    """For callers that keep no metrics."""


def valid_nbhd_id(text: str) -> NbhdId:
    """The id in lower case; what cannot be one does not exist: NbhdNotFound without a request."""
    lowered = text.lower()
    if _NBHD_ID.fullmatch(lowered) is None:
        raise NbhdNotFound
    return NbhdId(lowered)


def visible(neighborhood: Neighborhood | None) -> Neighborhood:
    """The neighborhood. Raises NbhdNotFound when there is none or its deletion began."""
    if neighborhood is None or not neighborhood.is_active:
        raise NbhdNotFound
    return neighborhood


class Pages[T]:
    """Cuts lists into pages. position: of an item, for the cursor behind it."""

    def __init__(self, cursors: CursorCodec, position: Callable[[T], Mapping[str, Any]]) -> None:
        self._cursors = cursors
        self._position = position

    def start[P](self, cursor: str | None, scope: str, read: Callable[[Mapping[str, Any]], P]) -> P | None:
        """Where the page begins, None for the first one. Raises InvalidCursor before any request."""
        if cursor is None:
            return None
        try:
            return read(self._cursors.decode(cursor, scope))
        except KeyError as exc:  # signed by us, for a list that was laid out in another way
            raise InvalidCursor from exc

    def cut(self, found: list[T], limit: int, scope: str) -> Page[T]:
        """A page of `limit` items out of one more: only that one tells that there is a next page."""
        if len(found) <= limit:
            return Page(found, None)
        return Page(found[:limit], self._cursors.encode(scope, self._position(found[limit - 1])))
