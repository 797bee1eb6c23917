"""Every item of a table, read by several threads. Only an operator may do this: no function has the right to Scan."""

import threading
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Full, Queue
from typing import Any, Final

from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.values import Request
from lambda_src.migration.content import WireItem
from lambda_src.migration.target.place import Place

type Page = Sequence[Any]  # items of the wire, `content.WireItem`

_PAGES_WAITING: Final = 4
_ITEMS_PER_PAGE: Final = 1_000  # a page of 1 MB may hold ten thousand, and as Python objects take 20 MB of memory
_POLL_SECONDS: Final = 0.2


def pages(place: Place, table: Table, *, segments: int | None = None) -> Generator[Page]:
    """The items of a table in pages, in no order. 1 request per MB; 1 read unit per 4 KB (strongly consistent).

    Raises StoreUnavailable and StoreError from the first segment that fails.
    """
    segments = segments or place.workers
    found: Queue[Page | None] = Queue(_PAGES_WAITING)
    stop = threading.Event()
    with ThreadPoolExecutor(segments, thread_name_prefix="scan") as pool:
        futures = [pool.submit(_scan_segment, place, table, (n, segments), found, stop) for n in range(segments)]
        try:
            running = segments
            while running:
                page = found.get()
                if page is None:
                    running -= 1
                else:
                    yield page
            for future in futures:
                future.result()
        finally:
            stop.set()


def _scan_segment(
    place: Place, table: Table, segment: tuple[int, int], found: "Queue[Page | None]", stop: threading.Event
) -> None:
    request: Request = {
        "TableName": place.caller.physical_name(table),
        "ConsistentRead": True,
        "Segment": segment[0],
        "TotalSegments": segment[1],
        "Limit": _ITEMS_PER_PAGE,
    }
    try:
        while not stop.is_set():
            answer = place.caller.call("Scan", request, "migration")
            items: Page = answer["Items"]
            _offer(found, [item for item in items if place.is_business(table, item)], stop)
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    finally:
        _offer(found, None, stop)


def _offer(found: "Queue[Page | None]", page: Page | None, stop: threading.Event) -> None:
    """Hand a page over, unless nobody is there to take it any more."""
    while not stop.is_set():
        try:
            found.put(page, timeout=_POLL_SECONDS)
        except Full:
            continue
        return


def some_item(place: Place, table: Table) -> WireItem | None:
    """An item of a kind that migrations write, None where there is none. 1 request per MB up to it."""
    return next((item for page in pages(place, table, segments=1) for item in page), None)
