"""Tokens of any service: one algorithm, the claims it asks for, keys by name, one clock."""

import jwt
import pytest

from lambda_src.runtime.tokens import TokenExpired, TokenRefused, TokenRules, TokenSigner
from lambda_src.signing import SigningKey

NOW = 1_700_000_000
RULES = TokenRules(issuer="sample", audience="sample-api", required=("role",))


class Keys:
    def __init__(self, **keys):
        self.keys = [SigningKey(name, secret) for name, secret in keys.items()]

    def current(self):
        return self.keys[0]

    def find(self, key_id):
        return next((key for key in self.keys if key.id == key_id), None)


def signer(*, seconds=NOW, **keys):
    return TokenSigner(Keys(**(keys or {"k1": b"1" * 32})), RULES, seconds=lambda: seconds)


CLAIMS = {"sub": "ada", "jti": "1", "role": "reader"}


def test_what_is_signed_is_read_back_with_its_times_and_parties():
    text = signer().sign(CLAIMS, lifetime_seconds=60)
    parties = {"iss": "sample", "aud": "sample-api"}
    assert signer().read(text) == {**CLAIMS, **parties, "iat": NOW, "exp": NOW + 60}
    assert jwt.get_unverified_header(text) == {"alg": "HS256", "kid": "k1", "typ": "JWT"}


def test_a_caller_cannot_bring_times_or_parties_of_their_own():
    text = signer().sign({**CLAIMS, "exp": NOW * 2, "iss": "evil"}, lifetime_seconds=60)
    assert signer().read(text)["exp"] == NOW + 60


def test_an_older_key_is_accepted_and_the_newest_signs():
    old = signer(k1=b"1" * 32).sign(CLAIMS, lifetime_seconds=60)
    rotated = {"k2": b"2" * 32, "k1": b"1" * 32}
    assert signer(**rotated).read(old)["sub"] == "ada"
    new = signer(**rotated).sign(CLAIMS, lifetime_seconds=60)
    assert jwt.get_unverified_header(new)["kid"] == "k2"
    with pytest.raises(TokenRefused):
        signer(k1=b"1" * 32).read(new)


def test_a_service_s_own_claims_are_required():
    text = signer().sign({"sub": "ada", "jti": "1"}, lifetime_seconds=60)
    with pytest.raises(TokenRefused):
        signer().read(text)


def test_an_expired_token_is_told_apart_from_a_wrong_one():
    text = signer().sign(CLAIMS, lifetime_seconds=60)
    assert signer(seconds=NOW + 69).read(text)
    with pytest.raises(TokenExpired):
        signer(seconds=NOW + 70).read(text)
    with pytest.raises(TokenRefused) as caught:
        signer(seconds=NOW + 70, k1=b"x" * 32).read(text)
    assert not isinstance(caught.value, TokenExpired), "a forged token is not merely late"


def test_a_key_that_is_too_short_signs_and_reads_nothing():
    text = signer().sign(CLAIMS, lifetime_seconds=60)
    with pytest.raises(ValueError, match="at least 32 bytes"):
        signer(k1=b"1" * 31).sign(CLAIMS, lifetime_seconds=60)
    with pytest.raises(ValueError, match="at least 32 bytes"):
        signer(k1=b"1" * 31).read(text)
