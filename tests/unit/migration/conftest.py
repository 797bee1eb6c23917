"""Rows in memory, or of a file, mapped."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from lambda_src.migration.mapping import Resident, Row
from lambda_src.migration.mappings.stock_track_record.mapping import mapping
from lambda_src.migration.snapshot import Snapshot
from lambda_src.migration.source.address import Address
from lambda_src.migration.source.reader import take_snapshot
from tests.support.migration.mapped import Item, items_of, snapshot_of
from tests.support.migration.yoto_smart_stream_files import change, earlier_file
from tests.support.migration.yoto_smart_stream_moved import BEGUN, SERVICE, Moved

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


@pytest.fixture
def moved(tmp_path: Path) -> Iterator[Callable[..., Moved]]:
    """`moved(users=[...], residents=[...])`: a file of the earlier product of Yoto Smart Stream with these rows.

    residents: what they meet in the table. then: statements that change the file.
    """
    opened: list[Snapshot] = []

    def move(*, residents: Sequence[Resident] = (), then: Sequence[str] = (), **rows: Any) -> Moved:
        file = tmp_path / f"{len(opened)}.db"
        url = earlier_file(file, **rows)
        change(file, *then)
        path = tmp_path / f"{len(opened)}.snapshot"
        take_snapshot(Address.parse(url), SERVICE, path)
        opened.append(Snapshot(path, SERVICE))
        opened[-1].meet(residents, BEGUN)
        return Moved(opened[-1])

    yield move
    for snapshot in opened:
        snapshot.__exit__()
