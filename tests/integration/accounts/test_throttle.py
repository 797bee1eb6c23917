"""Failed sign-ins on DynamoDB Local: they are counted, lock a name for a while, and cost what they say."""

import hashlib
import math
from collections import Counter
from functools import partial
from typing import Any

import pytest

from lambda_src.dynamo.meter import Usage
from lambda_src.errors import NotAllowed
from lambda_src.runtime.accounts.throttle import Limit, SignInThrottle, TooManyAttempts
from lambda_src.runtime.problems import ErrorAnswers
from tests.integration.accounts.conftest import Accounts
from tests.support.racing import at_once
from tests.support.sample_accounts import ACCOUNTS, API, THROTTLES

HOME, AWAY = "203.0.113.7", "198.51.100.9"


class Door:
    """Tries to get in. looks: how many passwords were looked at."""

    def __init__(self, throttle: SignInThrottle) -> None:
        self.throttle = throttle
        self.looks = 0

    def knock(self, name: str = "john", address: str = HOME, *, is_right: bool = False) -> str:
        def verify() -> str | None:
            self.looks += 1
            return name if is_right else None

        try:
            return "wrong" if self.throttle.attempt(name, address, verify) is None else "in"
        except TooManyAttempts as error:
            return f"locked for {math.ceil(error.retry_after_seconds or 0)}"


@pytest.fixture
def door(accounts: Accounts) -> Door:
    return Door(accounts.throttle())


def counter(accounts: Accounts, text: str) -> dict[str, Any]:
    """A counter as it is stored, empty where there is none."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    return accounts.item(THROTTLES.entity.key(digest=digest)) or {}


@pytest.mark.parametrize("name", ["john", "zoe who is nobody", "", "ad\ud800", "a|b", "x" * 5_000])
def test_the_sixth_attempt_is_refused_without_a_look_at_the_password(door, name):
    assert [door.knock(name) for _ in range(5)] == ["wrong"] * 5
    assert door.knock(name, is_right=True) == "locked for 900"
    assert door.looks == 5
    assert door.knock("mary") == "wrong", "another name is no worse off"
    assert door.knock(name, AWAY, is_right=True) == "in", "neither is the name from another address"


def test_a_lock_ends_and_its_rest_is_told(accounts, door):
    for _ in range(5):
        door.knock()
    for seconds, answer in ((1, "locked for 899"), (898.4, "locked for 1"), (0.7, "in")):
        accounts.clock.forward(seconds=seconds)
        assert door.knock(is_right=True) == answer


def test_a_lock_is_answered_with_the_seconds_to_wait(accounts, door):
    for _ in range(5):
        door.knock()
    accounts.clock.forward(seconds=0.5)
    with pytest.raises(TooManyAttempts) as caught:
        door.throttle.attempt("john", HOME, lambda: "in")
    answer = ErrorAnswers()(caught.value)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "900")
    assert b'"code":"too_many_attempts"' in answer.body


def test_twenty_failures_from_anywhere_lock_a_name_everywhere(door):
    assert [door.knock(address=f"192.0.2.{number}") for number in range(20)] == ["wrong"] * 20
    assert door.knock(address=AWAY, is_right=True) == "locked for 900"
    assert door.knock("mary", AWAY, is_right=True) == "in"


def test_the_right_password_forgets_the_failures_from_this_address_only(accounts, door):
    for address in (HOME, AWAY):
        for _ in range(4):
            door.knock(address=address)
    assert door.knock(is_right=True) == "in"
    assert [door.knock() for _ in range(5)] == ["wrong"] * 5
    assert door.knock().startswith("locked")
    assert [door.knock(address=AWAY) for _ in range(2)] == ["wrong", "locked for 900"]
    assert counter(accounts, "user|john")["fails"] == 4 + 4 + 5 + 1


def test_failures_of_an_earlier_window_do_not_count(accounts, door):
    for _ in range(4):
        door.knock()
    accounts.clock.forward(seconds=899)
    assert counter(accounts, f"pair|john|{HOME}")["fails"] == 4
    accounts.clock.forward(seconds=1)
    assert door.knock() == "wrong"
    assert counter(accounts, f"pair|john|{HOME}")["fails"] == 1
    assert [door.knock() for _ in range(4)] == ["wrong"] * 4
    assert door.knock() == "locked for 900"


def test_who_goes_on_after_a_shorter_lock_is_locked_again_at_once(accounts):
    door = Door(accounts.throttle(of_pair=Limit(2, window_seconds=900, lock_seconds=60)))
    answers = [door.knock() for _ in range(3)]
    accounts.clock.forward(seconds=60)
    assert [*answers, door.knock(), door.knock()] == ["wrong", "wrong", "locked for 60", "wrong", "locked for 60"]


def test_what_goes_wrong_on_the_way_is_no_failure(accounts, door):
    def disabled() -> None:
        raise NotAllowed

    for _ in range(6):
        with pytest.raises(NotAllowed):
            door.throttle.attempt("john", HOME, disabled)
    assert counter(accounts, "user|john") == {}


def test_a_counter_says_neither_name_nor_address_and_leaves_by_ttl(accounts, door):
    now = int(accounts.clock().timestamp())
    door.knock()
    digest = hashlib.sha256(f"pair|john|{HOME}".encode()).hexdigest()[:32]
    kept = {"PK": f"THROTTLE#{digest}", "SK": "LOGIN", "fails": 1, "window_ends": now + 900, "ttl": now + 900}
    assert counter(accounts, f"pair|john|{HOME}") == kept
    accounts.clock.forward(seconds=100)
    for _ in range(4):
        door.knock()
    assert counter(accounts, f"pair|john|{HOME}") == {**kept, "fails": 5, "locked_until": now + 1000, "ttl": now + 1000}


def test_every_attempt_costs_what_it_says(accounts, door):
    """DynamoDB Local states nothing for what a batch does not find, and for a refused write; AWS bills both."""
    assert accounts.used(door.knock) == Usage(3, 0, 2)
    assert accounts.used(door.knock) == Usage(3, 2, 2)
    assert accounts.used(partial(door.knock, is_right=True)) == Usage(2, 2, 1)
    for _ in range(4):
        door.knock()
    assert accounts.used(door.knock) == Usage(4, 2, 3), "with the lock"
    assert accounts.used(door.knock) == Usage(1, 2, 0), "locked"
    accounts.clock.forward(seconds=900)
    assert accounts.used(door.knock) == Usage(5, 2, 2), "two windows are over"


def test_the_declaration_joins_the_table_of_the_service():
    patterns = [each for each in ACCOUNTS.patterns if THROTTLES.entity in (*each.reads, *each.writes)]
    assert [(each.name, each.operations) for each in patterns] == [
        ("throttle_state", ("BatchGetItem",)),
        ("throttle_fail", ("UpdateItem", "PutItem")),
        ("throttle_clear", ("DeleteItem",)),
    ]
    assert all(each.asked_by == {API} for each in patterns)


@pytest.mark.parametrize("is_after_a_window", [False, True])
def test_failures_at_the_same_moment_are_all_counted(accounts, door, is_after_a_window):
    if is_after_a_window:
        door.knock()
        accounts.clock.forward(seconds=901)
    accounts.meeting.at("UpdateItem", parties=6)
    assert Counter(at_once([door.knock] * 6)) == {"wrong": 6}
    assert (counter(accounts, f"pair|john|{HOME}")["fails"], counter(accounts, "user|john")["fails"]) == (6, 6)
    assert door.knock(is_right=True) == "locked for 900"
