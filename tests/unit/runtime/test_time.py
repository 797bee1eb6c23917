"""Deadlines and the clock."""

from datetime import UTC, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_src.runtime.clock import epoch_ms, of_epoch_ms, utc_now
from lambda_src.runtime.deadline import Deadline

seconds = st.floats(min_value=0, max_value=1e6)


class Context:
    def get_remaining_time_in_millis(self):
        return 30_500


def test_the_clock_is_in_utc():
    assert utc_now().tzinfo is UTC
    assert utc_now().utcoffset() == timedelta(0)


@given(st.integers(min_value=-(10**13), max_value=10**13))
def test_milliseconds_become_a_moment_and_the_same_again(milliseconds):
    assert epoch_ms(of_epoch_ms(milliseconds)) == milliseconds


def test_a_moment_beyond_the_calendar_is_none():
    with pytest.raises(OverflowError):
        of_epoch_ms(10**18)


def test_a_deadline_comes_nearer_and_never_goes_below_zero():
    now = [100.0]
    deadline = Deadline.of_invocation(Context(), monotonic=lambda: now[0])
    assert deadline.remaining_seconds() == 30.5
    now[0] += 30
    assert deadline.remaining_seconds() == 0.5
    now[0] += 30
    assert deadline.remaining_seconds() == 0.0


def test_real_time_passes():
    assert 0 < Deadline.after(60).remaining_seconds() <= 60


@pytest.mark.parametrize(("at_most", "remaining"), [(5, 5), (100, 20), (-1, 0)])
def test_a_share_of_the_time_is_never_more_than_the_time(at_most, remaining):
    assert Deadline.after(20, monotonic=lambda: 0.0).at_most(at_most).remaining_seconds() == remaining


@given(total=seconds, kept=seconds, share=seconds)
def test_a_derived_deadline_is_never_later(total, kept, share):
    deadline = Deadline.after(total, monotonic=lambda: 0.0)
    for derived in (deadline.minus(kept), deadline.minus(-kept), deadline.at_most(share)):
        assert derived.ends_at_seconds <= deadline.ends_at_seconds
