import signal

import pytest

from cdk_app.local.interrupts import Interrupted, Interrupts


def test_the_first_signal_interrupts_and_a_second_does_not_disturb_the_end():
    interrupts = Interrupts()
    with pytest.raises(Interrupted):
        interrupts._on_signal(signal.SIGINT, None)
    interrupts._on_signal(signal.SIGINT, None)


def test_what_is_held_is_done_whole():
    interrupts, done = Interrupts(), []

    def start_a_program() -> None:
        with interrupts.held():
            interrupts._on_signal(signal.SIGTERM, None)
            done.append("started and noted")

    with pytest.raises(Interrupted):
        start_a_program()
    assert done == ["started and noted"]


def test_nested_holds_end_with_the_outer_one():
    interrupts, done = Interrupts(), []

    def start_two_programs() -> None:
        with interrupts.held():
            with interrupts.held():
                interrupts._on_signal(signal.SIGTERM, None)
            done.append("second")

    with pytest.raises(Interrupted):
        start_two_programs()
    assert done == ["second"]


def test_once_the_end_is_under_way_signals_change_nothing():
    interrupts = Interrupts()
    interrupts.ignore()
    interrupts._on_signal(signal.SIGINT, None)
