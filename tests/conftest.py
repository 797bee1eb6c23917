"""The order of all tests: random, after the longest ones, so that no worker is left alone with one at the end."""

from collections.abc import Sequence

import pytest


@pytest.hookimpl(trylast=True)  # after the tests were shuffled
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [*marked_long(items, is_long=True), *marked_long(items, is_long=False)]


def marked_long(items: Sequence[pytest.Item], *, is_long: bool) -> list[pytest.Item]:
    return [item for item in items if (item.get_closest_marker("long") is not None) == is_long]
