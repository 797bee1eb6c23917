"""Whatever order records come in, how often, and wherever the function is killed: what it counts is a recount."""

import random
from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.algoitny_recount import Expected
from tests.support.algoitny_streams import Counted, counting, run_of
from tests.support.stepping import Killed, Steps, kill_before_step, stepped_client

LANGUAGES = ("python", "cpp")
PLATFORMS = ("baekjoon", "codeforces")

# What may happen to a run: it appears, is shown or hidden, changes otherwise, disappears.
LIVES = st.lists(
    st.tuples(
        st.integers(0, 2),  # whose; 2: nobody's
        st.integers(0, 2),  # which problem
        st.sampled_from(LANGUAGES),
        st.sampled_from(PLATFORMS),
        st.sampled_from(("passed", "failed", "error")),
        st.lists(st.sampled_from(("show", "hide", "touch", "delete")), max_size=4),
        st.booleans(),  # public from the beginning
    ),
    min_size=1,
    max_size=5,
)


def lived(judge, users, lives):
    """Everything that happens to runs, and what that is to come to."""
    world, expected = Counted(judge), Expected()
    for number, (whose, problem, language, platform, verdict, events, is_public) in enumerate(lives):
        judge.clock.forward(minutes=25)
        run = run_of(
            judge, f"h{number}", user_id=users[whose], problem_number=str(problem), language=language,
            platform=platform, result_summary=verdict,
        )  # fmt: skip
        shown: dict[str, Any] = {"is_code_public": True, "public_shard": number % 3, "timeline": f"PUBLIC#{number % 3}"}
        run = replace(run, **shown) if is_public else run
        world.put(run)
        for event in events:
            if event == "delete":
                world.delete(run)
                break
            changes: dict[str, dict[str, Any]] = {
                "show": shown,
                "hide": {"is_code_public": False, "timeline": None},
                "touch": {"hint_count": 3},
            }
            run = replace(run, **changes[event])
            world.put(run)
        expected.add(run, is_there="delete" not in events)
    return world, expected


def any_order(records, rng):
    """The records shuffled, those of one item in their order, and some of them again, later."""
    by_item = defaultdict(list)
    for record in records:
        image = record["dynamodb"].get("NewImage") or record["dynamodb"]["OldImage"]
        by_item[image["PK"]["S"]].append(record)
    left, ordered = [list(each) for each in by_item.values()], []
    while left:
        chosen = rng.choice(left)
        ordered.append(chosen.pop(0))
        if rng.random() < 0.4:
            ordered.append(rng.choice(ordered))
        left = [each for each in left if each]
    return ordered


@settings(
    max_examples=25, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(lives=LIVES, seed=st.integers(0, 2**16))
def test_records_in_any_order_and_any_number_count_as_a_recount_does(make_world, lives, seed):
    world, expected = make_world(lives)
    rng = random.Random(seed)
    records = any_order(world.records, rng)
    while records:
        size = rng.randint(1, 10)
        assert world.deliver(records[:size]) == []
        records = records[size:]
    assert expected.faults(world.judge.items()) == []


@pytest.fixture
def make_world(new_judge):
    """A fresh table for each example, with two users; None for the third."""

    def make(lives):
        judge = new_judge()
        users = [judge.user("ann@example.com").user_id, judge.user("bob@example.com").user_id, None]
        return lived(judge, users, lives)

    return make


LIVES_OF_A_DAY = [
    (0, 0, "python", "baekjoon", "passed", ["show", "touch"], False),
    (0, 0, "cpp", "baekjoon", "failed", ["hide", "show"], True),
    (1, 0, "python", "codeforces", "error", ["delete"], True),
    (2, 1, "cpp", "baekjoon", "passed", [], True),
]


@pytest.mark.parametrize("step", range(1, 13))
def test_a_consumer_that_is_killed_before_any_request_counts_nothing_twice_and_loses_nothing(make_world, step):
    world, expected = make_world(LIVES_OF_A_DAY)
    judge = world.judge
    steps = Steps(kill_before_step(step))
    mortal = counting(judge, client=judge.metered(stepped_client(judge.client, steps)))

    with pytest.raises(Killed):
        world.deliver(consumer=mortal)
    assert world.deliver() == []
    assert expected.faults(world.judge.items()) == []
