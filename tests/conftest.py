"""The order of all tests: random, after the longest ones, so that no worker is left alone with one at the end."""

import gc
import os
from collections.abc import Sequence
from typing import Final

import pytest

from tests.support.engines import ENGINES

WORKERS_PER_CORE: Final = 1.5  # a test waits for an engine, a process or a lease about a third of its time
MAX_WORKERS: Final = 8  # each takes up to 1 GB


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", choices=ENGINES, default=ENGINES[0], help="what integration tests keep tables in")


def pytest_xdist_auto_num_workers() -> int:
    """How many `-n auto` means."""
    return min(MAX_WORKERS, round(WORKERS_PER_CORE * (os.process_cpu_count() or 1)))


@pytest.hookimpl(trylast=True)  # after the tests were shuffled
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [*marked_long(items, is_long=True), *marked_long(items, is_long=False)]


def pytest_collection_finish() -> None:
    """What was collected stays to the end: the garbage collector need not look at half a million objects every time."""
    gc.collect()
    gc.freeze()


def marked_long(items: Sequence[pytest.Item], *, is_long: bool) -> list[pytest.Item]:
    return [item for item in items if (item.get_closest_marker("long") is not None) == is_long]
