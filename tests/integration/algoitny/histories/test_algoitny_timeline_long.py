"""A long public timeline, walked while runs arrive."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import pytest

from lambda_src.services.algoitny import tables
from tests.support.algoitny import PlayedJudge
from tests.support.algoitny_runs import NOON_MS, behind, runs_of, ulid

LISTS: Final = ("/api/history?scope=public&limit=20", "/api/history/search?language=python&limit=20")


def plant(judge: PlayedJudge, user: Any, runs: Iterable[tuple[int, int]]) -> None:
    """Public runs as they are stored, by their number and time."""
    kept, puts = runs_of(judge), []
    for number, at in runs:
        made = runs_of(judge, at=at).new_run(ulid(number), {
            "user_id": user.user_id, "platform": "baekjoon", "problem_number": "1", "problem_title": "A",
            "language": "python", "is_code_public": True, "code": "x",
        })  # fmt: skip
        puts += [action.entity.item(action.model) for action in kept.writes(made.history)]  # type: ignore[union-attr]
    judge.store.batch_write(tables.DELETE_LOGS_BEFORE_DATE, puts=puts)


def check(judge: PlayedJudge, lists: Sequence[str], *, runs: int, arriving: int) -> None:
    """Walk public lists page by page, while runs arrive before each."""
    ann = judge.user("ann@example.com")
    plant(judge, ann, ((number, NOON_MS + number * 7919 % runs // 3) for number in range(runs)))
    times = {ulid(number): NOON_MS + number * 7919 % runs // 3 for number in range(runs)}
    expected = sorted(times, key=lambda each: (times[each], each), reverse=True)
    pages = runs // 20
    number = runs
    for path in lists:
        seen: list[str] = []
        cursor: str | None = None
        for page in range(pages * 2):
            fresh = arriving * (page + 1) // pages - arriving * page // pages
            plant(judge, ann, ((number + each, NOON_MS + runs + number) for each in range(fresh)))
            number += fresh
            found = judge.ask("GET", behind(path, cursor)).json()
            seen += [each["id"] for each in found["results"]]
            cursor = found["next_cursor"]
            if cursor is None:
                break
        assert cursor is None
        assert [each for each in seen if each in times] == expected
        assert len(set(seen)) == len(seen)
    assert number >= runs + arriving * len(lists)


def test_a_thousand_old_runs_come_once_and_in_order_while_new_ones_arrive(new_judge):
    check(new_judge(), LISTS[:1], runs=1_000, arriving=20)


@pytest.mark.soak
@pytest.mark.parametrize("shards", [1, 8])
def test_ten_thousand_old_runs_come_once_and_in_order_while_new_ones_arrive(new_judge, shards):
    check(new_judge(public_timeline_shards=shards), LISTS, runs=10_000, arriving=200)
