"""Runs of AlgoItny in a test: sent by members, or there before the test began, at any time and spread in any way."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.histories.repository import SearchHistoryRepository
from lambda_src.services.algoitny.histories.rules import Spread
from lambda_src.services.algoitny.histories.service import Histories
from lambda_src.services.algoitny.models.histories import History, TestResult
from lambda_src.services.algoitny.models.users import User
from tests.support.algoitny import Json, PlayedJudge

NOON_MS: Final = 1_759_924_800_000


def runs_of(judge: PlayedJudge, *, at: int | None = None, spread: Spread | None = None) -> SearchHistoryRepository:
    """What the service keeps runs with. at: its clock, milliseconds."""
    made = judge.part(Histories).histories
    instant = None if at is None else datetime.fromtimestamp(at / 1000, UTC)
    return replace(made, spread=spread or made.spread, clock=made.clock if instant is None else lambda: instant)


def results(*passed: bool) -> tuple[TestResult, ...]:
    return tuple(TestResult(str(number), each, f"out {number}") for number, each in enumerate(passed, 1))


def keep(
    judge: PlayedJudge,
    user: User | None,
    history_id: str,
    *,
    at: int = NOON_MS,
    spread: Spread | None = None,
    **data: Any,
) -> History:
    """A run that was there before, a public one unless it is said; without a user it was moved in."""
    given: Json = {
        "user_id": None if user is None else user.user_id,
        "user_identifier": "anonymous" if user is None else user.email,
        "display_name": "anonymous" if user is None else user.name,
        "platform": "baekjoon",
        "problem_number": "1000",
        "problem_title": "A+B",
        "language": "python",
        "is_code_public": True,
        "code": f"print('{history_id}')",
        "test_results": results(True, False),
    }
    return runs_of(judge, at=at, spread=spread).create_history(history_id, given | data)


def ulid(number: int) -> str:
    """An id that is made of a number; those of greater numbers sort behind."""
    return f"01K71V{number:020}"


def sending(**changes: Any) -> Json:
    """What a member sends of a run of the first problem, whose test case n expects `out n`."""
    return {
        "platform": "baekjoon",
        "problem_id": "1000",
        "language": "python",
        "code": "print(1)",
        "outputs": [{"test_case_id": str(number), "output": f"out {number}"} for number in (1, 2, 3)],
    } | changes


def send(judge: PlayedJudge, by: User | None, *, key: str | None = None, **changes: Any) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return judge.ask("POST", "/api/history", by=by, json=sending(**changes), headers=headers)


def listed(judge: PlayedJudge, path: str = "/api/history?scope=public", *, by: User | None = None) -> list[str]:
    """The ids of a list, page by page to its end."""
    found: list[str] = []
    cursor = None
    for _ in range(100):
        page = judge.ask("GET", behind(path, cursor), by=by).json()
        found += [each["id"] for each in page["results"]]
        cursor = page["next_cursor"]
        assert page["has_more"] == (cursor is not None)
        if cursor is None:
            return found
    raise AssertionError("the list does not end")


def behind(path: str, cursor: str | None) -> str:
    """The page of a list that a cursor leads to."""
    return path if cursor is None else f"{path}{'&' if '?' in path else '?'}cursor={cursor}"


def in_lists(judge: PlayedJudge, history: History) -> tuple[str | None, int]:
    """The partition of the timeline in which a run is stored to stand, and how many pointers to it there are."""
    stored = judge.item(items.HISTORY.key(history_id=history.history_id)) or {}
    pointers = [each for each in judge.items() if each["tp"] == "ptr" and each["SK"].endswith(history.history_id)]
    return stored.get("GSI2PK"), len(pointers)


def kinds(judge: PlayedJudge, *wanted: str) -> Sequence[Json]:
    """What is stored of these kinds."""
    return [each for each in judge.items() if each["tp"] in wanted]
