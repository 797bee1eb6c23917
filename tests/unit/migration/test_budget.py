"""The rate of writes: bounded by the operator, lowered by DynamoDB, and back by itself."""

import pytest

from lambda_src.migration.target.budget import WriteBudget

FLOOR = 25.0
START = 4_000.0  # of a budget without a bound, once it was throttled


class Time:
    def __init__(self):
        self.now = 1_000.0
        self.slept = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        self.slept += seconds


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def budget_of(time):
    return lambda units=None: WriteBudget(units, clock=time, sleep=time.sleep)


def rate_of(budget, time, *, units=1_000.0):
    """Units per second that it lets through right now."""
    budget.wait()
    before = time.now
    budget.used(budget._total_units + units)
    budget.wait()
    return units / (time.now - before)


def test_writes_without_a_bound_never_wait(budget_of, time):
    budget = budget_of()
    for units in range(0, 100_000, 1_000):
        budget.wait()
        budget.used(units)
    assert time.slept == 0


def test_a_bound_holds_over_many_writes(budget_of, time):
    budget = budget_of(500)
    begun = time.now
    for total in range(100, 5_001, 100):
        budget.wait()
        budget.used(total)
    budget.wait()
    assert 5_000 / (time.now - begun) == pytest.approx(500)


def test_units_that_two_answers_tell_in_the_wrong_order_count_once(budget_of, time):
    budget = budget_of(100)
    for total in (50, 100, 80):
        budget.used(total)
    budget.wait()
    assert time.slept == pytest.approx(1)


def test_time_without_writes_is_not_saved_up(budget_of, time):
    budget = budget_of(100)
    time.now += 3_600
    budget.used(200)
    budget.wait()
    assert time.slept == pytest.approx(2)


def test_a_throttle_makes_it_slower_and_pauses(budget_of, time):
    budget = budget_of(1_000)
    budget.throttled(0.25)
    assert time.slept == 0.25
    assert budget.throttles == 1
    assert rate_of(budget, time, units=1) == pytest.approx(700 + 0.25 * 50, rel=0.01)


def test_throttles_of_one_burst_count_as_one_for_the_rate(budget_of, time):
    budget = budget_of(1_000)
    for _ in range(8):
        budget.throttled(0.0)
    assert budget.throttles == 8
    assert rate_of(budget, time, units=1) == pytest.approx(700, rel=0.01)
    time.now += 0.6
    budget.throttled(0.0)
    assert rate_of(budget, time, units=1) == pytest.approx((700 + 0.6 * 50) * 0.7, rel=0.01)


def test_a_budget_without_a_bound_gets_one_with_the_first_throttle(budget_of, time):
    budget = budget_of()
    budget.throttled(0.0)
    assert rate_of(budget, time, units=1) == pytest.approx(0.7 * START, rel=0.01)


def test_it_never_stops_altogether(budget_of, time):
    budget = budget_of(100)
    for _ in range(50):
        time.now += 0.51
        budget.throttled(0.0)
    assert rate_of(budget, time, units=1) >= FLOOR


def test_the_rate_comes_back_to_its_bound_and_not_above(budget_of, time):
    budget = budget_of(1_000)
    budget.throttled(0.0)
    time.now += 3
    assert rate_of(budget, time, units=1) == pytest.approx(700 + 3 * 50, rel=0.01)
    time.now += 60
    assert rate_of(budget, time, units=1) == pytest.approx(1_000, rel=0.01)


def test_a_budget_without_a_bound_is_free_again_once_it_recovered(budget_of, time):
    budget = budget_of()
    budget.throttled(0.0)
    time.now += 10
    budget.wait()
    before = time.slept
    budget.used(1_000_000)
    budget.wait()
    assert time.slept == before
