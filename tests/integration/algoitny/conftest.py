"""The service over a fresh table: `new_judge()` makes one, with settings by name."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from lambda_src.services.algoitny.tables import TABLES
from tests.support.algoitny import MakeJudge, PlayedJudge
from tests.support.played import TestClock, played

NOON = datetime(2025, 10, 8, 12, tzinfo=UTC)


@pytest.fixture
def new_judge(dynamodb_client, make_tables) -> Iterator[MakeJudge]:
    """See `played`. Its clock begins at 2025-10-08T12:00:00Z."""
    with played(PlayedJudge, dynamodb_client, lambda: make_tables(TABLES)) as make:
        yield lambda **options: make(**{"clock": TestClock(NOON), **options})
