"""States and login codes on the engine: one use each, in time, by the right browser, whoever races for them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lambda_src.services.nbhd_city.models import Did, Identity, OAuthState
from lambda_src.services.nbhd_city.sign_in.repository import SignInRepository, digest
from lambda_src.services.nbhd_city.tables import TABLES
from tests.support.played import TestClock

ALICE = Identity(Did("did:plc:alice"), "alice.bsky.social")


@pytest.fixture
def clock():
    return TestClock()


@pytest.fixture
def sign_ins(make_store, clock):
    return SignInRepository(make_store(TABLES), lambda: clock().timestamp())


@pytest.fixture
def state(clock):
    return OAuthState(
        state_digest=digest("s1"),
        code_verifier="v" * 64,
        browser_hash=digest("cookie"),
        return_origin="https://nbhd.example",
        issuer="https://bsky.social",
        issued_at="2025-01-15T08:30:00.000000Z",
        expires_at=int(clock().timestamp()) + 600,
        dpop_jwk='{"kty":"EC"}',
        dpop_nonce="n1",
    )


def test_put_oauth_state_and_consume_oauth_state_give_back_what_was_put_once(sign_ins, state):
    sign_ins.put_oauth_state(state)
    assert sign_ins.consume_oauth_state("s1", browser_secret="another") is None
    assert sign_ins.consume_oauth_state("s2", browser_secret="cookie") is None
    assert sign_ins.consume_oauth_state("s1", browser_secret="cookie") == state
    assert sign_ins.consume_oauth_state("s1", browser_secret="cookie") is None


def test_a_state_of_profile_basic_has_no_key(sign_ins, state):
    plain = replace(state, dpop_jwk=None, dpop_nonce=None)
    sign_ins.put_oauth_state(plain)
    assert sign_ins.consume_oauth_state("s1", browser_secret="cookie") == plain


def test_put_login_code_and_consume_login_code_give_back_who_was_proven_once(sign_ins, clock):
    expires_at = int(clock().timestamp()) + 60
    for code, identity in (("c1", ALICE), ("c2", Identity(ALICE.did, None))):
        sign_ins.put_login_code(code, identity, expires_at=expires_at)
        assert sign_ins.consume_login_code(code) == identity
        assert sign_ins.consume_login_code(code) is None


def test_nothing_is_good_in_the_second_in_which_it_ends(sign_ins, state, clock):
    sign_ins.put_oauth_state(state)
    sign_ins.put_login_code("c1", ALICE, expires_at=int(clock().timestamp()) + 60)
    clock.forward(seconds=60)
    assert sign_ins.consume_login_code("c1") is None
    clock.forward(seconds=540)
    assert sign_ins.consume_oauth_state("s1", browser_secret="cookie") is None


def test_of_twenty_at_once_one_gets_the_state_and_one_the_code(sign_ins, state, clock):
    sign_ins.put_oauth_state(state)
    sign_ins.put_login_code("c1", ALICE, expires_at=int(clock().timestamp()) + 60)
    with ThreadPoolExecutor(20) as threads:
        states = list(threads.map(lambda _: sign_ins.consume_oauth_state("s1", browser_secret="cookie"), range(20)))
        codes = list(threads.map(lambda _: sign_ins.consume_login_code("c1"), range(20)))
    assert [found for found in states if found is not None] == [state]
    assert [found for found in codes if found is not None] == [ALICE]
