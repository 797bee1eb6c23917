"""Refresh tokens on DynamoDB Local: they are replaced, a stolen one ends the sign-in, and races have one outcome."""

import hashlib
import re
from collections import Counter
from dataclasses import replace
from functools import partial

import pytest

from lambda_src.dynamo.meter import Usage
from lambda_src.dynamo.render import create_table_input
from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.accounts.refresh import RefreshInvalid, RefreshReused
from lambda_src.signing import SigningKey
from tests.integration.accounts.conftest import ADA, DAY, Accounts
from tests.support.racing import at_once
from tests.support.sample_accounts import ACCOUNTS, API, SIGN_INS


def begin(accounts: Accounts, *, grace_seconds: int = 0):
    tokens = accounts.tokens(grace_seconds=grace_seconds)
    return tokens, tokens.begin(token_version=0, name="ada", user_id=7, client_name="phone")


def changed(text: str, place: int = -1) -> str:
    """The same text but for one character."""
    other = "A" if text[place] != "A" else "Q"
    return text[:place] + other + text[place + 1 :] if place != -1 else text[:-1] + other


# ---- what is stored, and what it costs -------------------------------------------------------------------------------


def test_a_sign_in_is_an_item_with_the_hash_of_its_token(accounts):
    _, token = begin(accounts)
    signin_id, _, secret = token.text.partition(".")
    assert re.fullmatch(r"[0-9a-f]{32}\.[A-Za-z0-9_-]{43}", token.text)
    assert accounts.sign_in(token) == {
        "PK": f"SIGNIN#{signin_id}",
        "SK": "TOKEN",
        "signin_id": signin_id,
        "user_id": 7,
        "name": "ada",
        "cli": "phone",
        "token_version": 0,
        "secret_hash": hashlib.sha256(secret.encode()).hexdigest(),
        "key_id": "k1",
        "created_at": "2025-01-15T08:30:00.123000Z",
        "rotated_at": "2025-01-15T08:30:00.123000Z",
        "absolute_end": int(accounts.clock().timestamp()) + 30 * DAY,
        "ttl": int(accounts.clock().timestamp()) + 14 * DAY,
    }
    assert token.expires_in == 14 * DAY
    assert token.text not in repr(token)


def test_the_declaration_joins_the_table_of_the_service():
    assert [pattern.name for pattern in ACCOUNTS.patterns if SIGN_INS.entity in (*pattern.reads, *pattern.writes)] == [
        "get_signin",
        "put_signin",
        "rotate_signin",
        "delete_signin",
    ]
    assert all(API in pattern.asked_by for pattern in SIGN_INS[1:])
    ACCOUNTS.check()
    assert create_table_input(ACCOUNTS, "accounts")["TableName"] == "accounts"


def test_every_step_costs_what_it_says(accounts):
    tokens, first = begin(accounts)
    issued = []
    assert accounts.used(lambda: begin(accounts)) == Usage(1, 0, 1)
    assert accounts.used(lambda: issued.append(accounts.refreshed(tokens, first))) == Usage(3, 2, 1)  # 1 for the user
    assert accounts.used(lambda: accounts.code(tokens, changed(issued[0].text))) == Usage(1, 1, 0)
    assert accounts.used(lambda: accounts.code(tokens, first)) == Usage(2, 1, 1)
    _, other = begin(accounts)
    assert accounts.used(lambda: tokens.end(other.text)) == Usage(1, 0, 1)
    assert accounts.used(lambda: accounts.code(tokens, other)) == Usage(1, 1, 0)


# ---- without a grace -------------------------------------------------------------------------------------------------


def test_a_token_is_used_once_and_a_second_time_ends_the_sign_in(accounts):
    tokens, first = begin(accounts)
    second = accounts.refreshed(tokens, first)
    assert second.text != first.text
    assert accounts.code(tokens, first) == "refresh_reused"
    assert accounts.sign_in(first) is None
    assert [accounts.code(tokens, each) for each in (second, first)] == ["refresh_invalid", "refresh_invalid"]


@pytest.mark.parametrize("uses_since", [2, 5])
def test_a_token_that_was_replaced_long_ago_ends_the_sign_in_too(accounts, uses_since):
    tokens, first = begin(accounts)
    newest = first
    for _ in range(uses_since):
        newest = accounts.refreshed(tokens, newest)
    assert accounts.code(tokens, first) == "refresh_reused"
    assert accounts.code(tokens, newest) == "refresh_invalid"


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "x",
        "a" * 32,
        "a" * 32 + "." + "b" * 42,
        "a" * 32 + "." + "b" * 44,
        "A" * 32 + "." + "b" * 43,
        "a" * 32 + "." + "é" * 43,
        "a" * 32 + "." + "b" * 43 + "\n",
        "\ud800" * 76,
        "x" * 100_000,
    ],
)
def test_a_text_that_is_no_token_asks_nothing(accounts, text):
    tokens = accounts.tokens()
    before = accounts.meter.snapshot()
    for use in (lambda: tokens.refresh(text, accounts.account), lambda: tokens.end(text)):
        with pytest.raises(RefreshInvalid):
            use()
    assert accounts.meter.since(before).requests == 0


def test_a_forged_secret_ends_nothing(accounts):
    tokens, token = begin(accounts)
    signin_id, _, secret = token.text.partition(".")
    _, other = begin(accounts)
    forged = [
        *(changed(token.text, place) for place in range(33, 76, 6)),
        *(changed(token.text, place) for place in (0, 31, -1)),
        f"{signin_id}.{'A' * 43}",
        f"{signin_id}.{other.text.partition('.')[2]}",
        f"{other.text.partition('.')[0]}.{secret}",
    ]
    assert {accounts.code(tokens, each) for each in forged} == {"refresh_invalid"}
    assert accounts.code(tokens, token) == accounts.code(tokens, other) == "ok"


@pytest.mark.parametrize(("days", "code"), [(13.9, "ok"), (14, "refresh_invalid"), (100, "refresh_invalid")])
def test_a_sign_in_that_nobody_uses_is_over_after_two_weeks(accounts, days, code):
    tokens, token = begin(accounts)
    accounts.clock.forward(days=days)
    assert accounts.code(tokens, token) == code


def test_a_sign_in_is_over_after_a_month_however_often_it_is_used(accounts):
    tokens, token = begin(accounts)
    lifetimes = []
    for _ in range(3):
        accounts.clock.forward(days=9)
        token = accounts.refreshed(tokens, token)
        lifetimes.append(token.expires_in)
    assert lifetimes == [14 * DAY, 12 * DAY, 3 * DAY]
    assert accounts.sign_in(token)["ttl"] == accounts.sign_in(token)["absolute_end"]
    accounts.clock.forward(days=3)
    assert accounts.code(tokens, token) == "refresh_invalid"


def test_a_sign_in_that_ends_between_reading_and_writing_gets_no_token(accounts):
    tokens, token = begin(accounts)
    accounts.clock.forward(days=13.99)

    def slow(found):
        accounts.clock.forward(days=0.02)
        return accounts.account(found)

    with pytest.raises(RefreshInvalid):
        tokens.refresh(token.text, slow)


@pytest.mark.parametrize("grace_seconds", [0, 10])
@pytest.mark.parametrize(
    ("user", "code"),
    [
        (replace(ADA, token_version=1), "token_invalid"),
        (replace(ADA, is_active=False), "account_disabled"),
    ],
)
def test_a_changed_account_ends_its_sign_ins_and_they_do_not_come_back(accounts, user, code, grace_seconds):
    tokens, first = begin(accounts, grace_seconds=grace_seconds)
    second = accounts.refreshed(tokens, first)
    accounts.keep(user)
    presented = first if grace_seconds else second
    assert accounts.code(tokens, presented) == code
    accounts.keep(ADA)
    assert [accounts.code(tokens, each) for each in (second, first)] == ["refresh_invalid"] * 2


def test_who_cannot_read_the_account_loses_no_token(accounts):
    tokens, token = begin(accounts)

    def unreadable(_found):
        raise StoreUnavailable

    with pytest.raises(StoreUnavailable):
        tokens.refresh(token.text, unreadable)
    assert accounts.code(tokens, token) == "ok"


@pytest.mark.parametrize("grace_seconds", [0, 10])
def test_signing_out_ends_the_sign_in_with_the_newest_token_or_the_one_before(accounts, grace_seconds):
    for rotations, used in ((0, 0), (1, 1), (1, 0)):
        tokens, first = begin(accounts, grace_seconds=grace_seconds)
        known = [first]
        for _ in range(rotations):
            known.append(accounts.refreshed(tokens, known[-1]))
        tokens.end(known[used].text)
        tokens.end(known[used].text)
        assert accounts.sign_in(first) is None
        assert {accounts.code(tokens, each) for each in known} == {"refresh_invalid"}


def test_signing_out_with_a_forged_token_ends_nothing(accounts):
    tokens, token = begin(accounts)
    tokens.end(changed(token.text))
    assert accounts.code(tokens, token) == "ok"


def test_a_lost_answer_is_not_taken_for_theft(accounts):
    for grace_seconds in (0, 10):
        tokens, token = begin(accounts, grace_seconds=grace_seconds)
        lost = accounts.faults.lose_next_answer("UpdateItem")
        lost.clear()
        second = accounts.refreshed(tokens, token)
        assert len(lost) == 1
        assert accounts.code(tokens, second) == "ok"


# ---- with a grace ----------------------------------------------------------------------------------------------------


def test_within_ten_seconds_a_repeat_gets_the_identical_successor(accounts):
    tokens, first = begin(accounts, grace_seconds=10)
    second = accounts.refreshed(tokens, first)
    for seconds in (0, 5, 4.999):
        accounts.clock.forward(seconds=seconds)
        assert accounts.refreshed(tokens, first).text == second.text
    assert accounts.code(tokens, second) == "ok"


@pytest.mark.parametrize("seconds", [10, 11, 3600])
def test_after_ten_seconds_a_repeat_is_theft(accounts, seconds):
    tokens, first = begin(accounts, grace_seconds=10)
    second = accounts.refreshed(tokens, first)
    accounts.clock.forward(seconds=seconds)
    assert accounts.code(tokens, first) == "refresh_reused"
    assert accounts.code(tokens, second) == "refresh_invalid"


def test_the_ten_seconds_of_a_token_go_on_when_its_successor_is_used(accounts):
    """Tabs that are opened together refresh one after the other, and one of them is late."""
    tokens, first = begin(accounts, grace_seconds=10)
    second = accounts.refreshed(tokens, first)
    accounts.clock.forward(seconds=6)
    third = accounts.refreshed(tokens, second)
    assert accounts.refreshed(tokens, first).text == second.text
    assert accounts.refreshed(tokens, second).text == third.text
    accounts.clock.forward(seconds=5)
    fourth = accounts.refreshed(tokens, third)
    assert accounts.sign_in(first)["replaced"] == frozenset(
        {f"2025-01-15T08:30:06.123000Z {hashlib.sha256(second.text.partition('.')[2].encode()).hexdigest()}"}
    )
    assert accounts.refreshed(tokens, second).text == third.text
    assert accounts.code(tokens, first) == "refresh_reused", "11 seconds ago"
    assert accounts.code(tokens, fourth) == "refresh_invalid"


def test_a_key_may_be_replaced_between_a_refresh_and_its_repeat(accounts):
    tokens, first = begin(accounts, grace_seconds=10)
    second = accounts.refreshed(tokens, first)
    accounts.ring.keys.append(SigningKey("k2", b"2" * 32))
    assert accounts.refreshed(tokens, first).text == second.text
    third = accounts.refreshed(tokens, second)
    assert accounts.sign_in(third)["key_id"] == "k2"
    assert accounts.refreshed(tokens, second).text == third.text
    assert accounts.code(tokens, first) == "refresh_invalid", "its successor was made with the key before"
    assert accounts.code(tokens, third) == "ok"


def test_without_the_key_a_token_before_is_theft_and_the_newest_goes_on(accounts):
    tokens, first = begin(accounts)
    second = accounts.refreshed(tokens, first)
    third = accounts.refreshed(tokens, second)
    accounts.ring.keys = [SigningKey("k2", b"2" * 32)]
    assert accounts.code(tokens, first) == "refresh_invalid", "nobody can tell any more that it was ours"
    fourth = accounts.refreshed(tokens, third)
    accounts.ring.keys = [SigningKey("k3", b"3" * 32)]
    assert accounts.code(tokens, third) == "refresh_reused"
    assert accounts.code(tokens, fourth) == "refresh_invalid"


# ---- races -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parties", [2, 6])
def test_of_those_who_refresh_at_once_one_wins_and_the_sign_in_is_over(accounts, parties):
    tokens, token = begin(accounts)
    accounts.meeting.at("UpdateItem", parties)
    codes = Counter(at_once([partial(accounts.code, tokens, token)] * parties))
    assert codes["ok"] == 1
    assert codes["refresh_reused"] + codes["refresh_invalid"] == parties - 1, "invalid once another has ended it"
    assert codes["refresh_reused"]
    assert accounts.sign_in(token) is None


def test_a_clock_that_is_behind_changes_nothing_without_a_grace(accounts):
    tokens, token = begin(accounts)
    accounts.refreshed(tokens, token)
    accounts.clock.forward(seconds=-2)
    with pytest.raises(RefreshReused):
        tokens.refresh(token.text, accounts.account)


def test_with_a_grace_all_who_refresh_at_once_get_the_same_token_that_works(accounts):
    tokens, token = begin(accounts, grace_seconds=10)
    accounts.meeting.at("UpdateItem", parties=4)
    issued = at_once([partial(accounts.refreshed, tokens, token)] * 4)
    assert len({each.text for each in issued}) == 1
    assert accounts.code(tokens, issued[0]) == "ok"


def test_who_signs_out_while_another_refreshes_is_signed_out(accounts):
    for grace_seconds in (0, 10):
        tokens, token = begin(accounts, grace_seconds=grace_seconds)

        def account(found, tokens=tokens, token=token):
            tokens.end(token.text)
            return accounts.account(found)

        with pytest.raises(RefreshInvalid):
            tokens.refresh(token.text, account)
        assert accounts.sign_in(token) is None, "a refresh brings nothing back"
