"""The example of AlgoItny's capacity figures: what a local cloud begins with, ten times as much of it."""

from typing import Final

from cdk_app.services.algoitny import samples, story
from lambda_src.dynamo.store import Store
from lambda_src.services.algoitny.models.users import User
from lambda_src.services.algoitny.problems.repository import ProblemRepository
from tests.support.algoitny import PRO, PlayedJudge
from tests.support.played import TestClock

USERS: Final = 30
RUNS: Final = 2_000
SECONDS: Final = 300  # in which they all ran


def write(judge: PlayedJudge, clock: TestClock, *, runs: int = RUNS) -> list[User]:
    """Fill an empty table: problems by their repository, runs as a web client sends them. Returns the users."""
    samples.register(ProblemRepository(Store(judge.resources.client, judge.names), judge.clock))
    users = [judge.user(f"user{number}@example.com", name=f"User {number}", plan_id=PRO) for number in range(USERS)]
    for number in range(runs):
        clock.forward(seconds=SECONDS / runs)
        record(judge, users[number % USERS], number)
    return users


def record(judge: PlayedJudge, user: User, number: int, **headers: str) -> dict[str, object]:
    """The `number`th run of the story."""
    answer = judge.ask("POST", "/api/history", by=user, json=story.run(number), headers=headers)
    assert answer.is_success, answer.text
    found: dict[str, object] = answer.json()
    return found
