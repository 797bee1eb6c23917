"""What a sign-in makes up: challenges, cookies, proofs. And what is kept of live profiles."""

import json
from uuid import UUID

import jwt
import pytest

from lambda_src.services.nbhd_city.errors import ProfileNotFound, UpstreamError, UpstreamTimeout
from lambda_src.services.nbhd_city.models import Did, LiveProfile
from lambda_src.services.nbhd_city.profiles.service import MAX_ENTRIES, LiveProfiles
from lambda_src.services.nbhd_city.sign_in import atproto as proofs
from lambda_src.services.nbhd_city.sign_in.service import challenge, cookie_name

ALICE = Did("did:plc:alice")


def test_the_challenge_of_a_verifier_is_that_of_rfc_7636():
    assert challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_cookie_is_named_after_the_digest_of_its_state():
    # echo -n abc | sha256sum
    assert cookie_name("abc") == "nbhd_login_ba7816bf8f01"


def test_a_proof_holds_the_public_key_only_and_names_method_address_and_time():
    key = proofs.new_key()
    proof = proofs.dpop_proof(key, url="https://as.example/token?x=1", nonce="n1", now=1000)
    read = jwt.decode_complete(proof, options={"verify_signature": False})
    assert read["header"].keys() == {"typ", "alg", "jwk"}
    assert (read["header"]["typ"], read["header"]["alg"]) == ("dpop+jwt", "ES256")
    assert read["header"]["jwk"].keys() == {"kty", "crv", "x", "y"}
    UUID(read["payload"].pop("jti"))
    assert read["payload"] == {"htm": "POST", "htu": "https://as.example/token", "iat": 1000, "nonce": "n1"}
    jwt.decode(proof, jwt.PyJWK(read["header"]["jwk"]), algorithms=["ES256"], options={"verify_iat": False})


def test_two_proofs_of_one_key_have_different_names():
    key = proofs.new_key()
    made = [proofs.dpop_proof(key, url="https://as.example/token", nonce=None, now=1000) for _ in range(2)]
    first, second = (jwt.decode(proof, options={"verify_signature": False}) for proof in made)
    assert first["jti"] != second["jti"]
    assert "nonce" not in first


def test_two_sign_ins_have_different_keys():
    assert json.loads(proofs.new_key())["d"] != json.loads(proofs.new_key())["d"]


def test_an_assertion_is_good_for_a_minute_and_one_server():
    jwk = {**json.loads(proofs.new_key()), "kid": "c1"}
    assertion = proofs.client_assertion(jwk, client_id="https://us.example", issuer="https://as.example", now=1000)
    read = jwt.decode_complete(assertion, options={"verify_signature": False})
    assert read["header"] == {"alg": "ES256", "typ": "JWT", "kid": "c1"}
    UUID(read["payload"].pop("jti"))
    us = "https://us.example"
    assert read["payload"] == {"iss": us, "sub": us, "aud": "https://as.example", "iat": 1000, "exp": 1060}


# ---- live profiles -------------------------------------------------------------------------------------------------


class Asked:
    """BlueSky: one answer for everybody, or an error."""

    def __init__(self):
        self.calls, self.error = 0, None

    def profile(self, did, *, deadline):
        assert 0 < deadline.remaining_seconds() <= 10
        self.calls += 1
        if self.error is not None:
            raise self.error
        return LiveProfile(did, f"number-{self.calls}.example")


@pytest.fixture
def now():
    return [1000.0]


@pytest.fixture
def asked():
    return Asked()


@pytest.fixture
def live(asked, now):
    return LiveProfiles(asked, monotonic=lambda: now[0])


def test_a_profile_is_asked_for_again_after_five_minutes(live, asked, now):
    assert live.read(ALICE).profile.handle == "number-1.example"
    now[0] += 299
    assert live.read(ALICE).profile.handle == "number-1.example"
    now[0] += 1
    assert live.read(ALICE).profile.handle == "number-2.example"


@pytest.mark.parametrize("error", [UpstreamError(), UpstreamTimeout()])
def test_an_old_profile_is_better_than_none_for_a_day(live, asked, now, error):
    live.read(ALICE)
    asked.error = error
    now[0] += 86_399
    seen = live.read(ALICE)
    assert (seen.profile.handle, seen.is_stale) == ("number-1.example", True)
    now[0] += 1
    with pytest.raises(type(error)):
        live.read(ALICE)


def test_a_profile_that_is_gone_is_gone_though_an_old_one_is_known(live, asked, now):
    live.read(ALICE)
    asked.error = ProfileNotFound()
    now[0] += 301
    with pytest.raises(ProfileNotFound):
        live.read(ALICE)


def test_a_thousand_profiles_are_kept_and_the_oldest_goes(live, asked):
    for number in range(MAX_ENTRIES + 1):
        live.read(Did(f"did:plc:{number}"))
    assert asked.calls == MAX_ENTRIES + 1
    live.read(Did(f"did:plc:{MAX_ENTRIES}"))
    assert asked.calls == MAX_ENTRIES + 1
    live.read(Did("did:plc:0"))
    assert asked.calls == MAX_ENTRIES + 2
