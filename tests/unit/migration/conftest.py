"""Rows in memory, mapped."""

from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from lambda_src.migration.mapping import Row
from lambda_src.migration.mappings.stock_track_record.mapping import mapping
from lambda_src.migration.snapshot import Snapshot
from tests.support.migration.mapped import Item, items_of, snapshot_of

type Load = Callable[..., Snapshot]


@pytest.fixture
def load(tmp_path: Path):
    """`load(rows, mapping())`: a finished snapshot of rows, each with the name of its table."""
    with ExitStack() as opened:
        names = (f"{number}.sqlite" for number in count())
        yield lambda rows, service: opened.enter_context(snapshot_of(rows, service, tmp_path / next(names)))


@pytest.fixture
def items(load: Load):
    """`items(("channels", row), ...)`: the items that follow, without their marks."""

    def items(*rows: tuple[str, Row], **options: Any) -> list[Item]:
        service = mapping(**options)
        return [item for _, item in items_of(load(rows, service), service)]

    return items
