"""ID tokens of a provider: what is refused, and how often its keys are fetched."""

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from lambda_src.runtime.accounts.oidc import IdTokens, KeysUnavailable, PublishedKeys
from lambda_src.runtime.outside import Http
from lambda_src.runtime.tokens import TokenRefused

NOW = 1_759_924_800
URL = "http://provider.test/certs"
DAY = 86_400


@cache
def private_key(name="k1"):
    """The key of a name; `weak` is one that nobody should use."""
    return rsa.generate_private_key(65_537, 1_024 if name == "weak" else 2_048)


def published(name="k1", **changes):
    """A key as a provider publishes it; None leaves a member out."""
    jwk = json.loads(RSAAlgorithm.to_jwk(private_key(name).public_key()))
    jwk = {**jwk, "kid": name, "use": "sig", "alg": "RS256", **changes}
    return {member: value for member, value in jwk.items() if value is not None}


class Provider:
    """What answers at the provider, and how often it was asked. keys: None for a provider that is down."""

    def __init__(self):
        self.now = NOW
        self.keys: Any = [published()]
        self.headers = {"Cache-Control": "public, max-age=19845, must-revalidate"}
        self.asked = 0
        self.pause = 0.0
        keys = PublishedKeys(
            Http(transport=httpx.MockTransport(self._answer)), URL, provider="provider", seconds=lambda: self.now
        )
        issuers = frozenset({"accounts.example", "https://accounts.example"})
        self.tokens = IdTokens(keys, issuers, frozenset({"client-1", "client-2"}), lambda: self.now)

    def _answer(self, _request):
        self.asked += 1
        time.sleep(self.pause)
        if self.keys is None:
            return httpx.Response(503)
        body = self.keys if isinstance(self.keys, str) else json.dumps({"keys": self.keys})
        return httpx.Response(200, text=body, headers=self.headers)

    def claims(self, **changes):
        claims = {
            "iss": "https://accounts.example", "aud": "client-1", "sub": "108", "iat": self.now, "exp": self.now + 3600,
        }  # fmt: skip
        return {name: value for name, value in {**claims, **changes}.items() if value is not None}

    def token(self, *, key="k1", kid="", headers=None, **changes):
        given = {"kid": kid or key, **(headers or {})}
        return jwt.encode(self.claims(**changes), private_key(key), algorithm="RS256", headers=given)

    def is_refused(self, text):
        try:
            self.tokens.read(text)
        except TokenRefused:
            return True
        return False


@pytest.fixture
def provider():
    return Provider()


# ---- tokens ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("issuer", ["accounts.example", "https://accounts.example"])
@pytest.mark.parametrize("audience", ["client-1", "client-2"])
def test_a_token_of_the_provider_for_us_is_read(provider, issuer, audience):
    assert provider.tokens.read(provider.token(iss=issuer, aud=audience, email="ann@example.com")) == provider.claims(
        iss=issuer, aud=audience, email="ann@example.com"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "client-3"},
        {"aud": "client-"},
        {"aud": "CLIENT-1"},
        {"aud": ["client-1"]},
        {"aud": ["client-1", "another"]},
        {"aud": ""},
        {"aud": None},
        {"aud": 1},
        {"iss": "https://accounts.example/"},
        {"iss": "accounts"},
        {"iss": "http://accounts.example"},
        {"iss": "https://accounts.example.evil.example"},
        {"iss": None},
        {"sub": ""},
        {"sub": None},
        {"exp": None},
        {"exp": NOW - 60},
        {"exp": str(NOW + 60)},
        {"exp": NOW + 60.5},
        {"exp": True},
        {"iat": None},
        {"iat": NOW + 61},
        {"iat": "now"},
        {"nbf": NOW + 61},
    ],
)
def test_what_is_not_for_us_not_by_the_provider_or_not_now_is_refused(provider, changes):
    assert provider.is_refused(provider.token(**changes))


def test_a_subject_that_is_no_text_is_refused(provider):
    header, _, signature = provider.token().split(".")
    forged = base64.urlsafe_b64encode(json.dumps(provider.claims(sub=108)).encode()).rstrip(b"=").decode()
    key = private_key()
    signed = RSAAlgorithm(RSAAlgorithm.SHA256).sign(f"{header}.{forged}".encode(), key)
    good_signature = base64.urlsafe_b64encode(signed).rstrip(b"=").decode()

    assert provider.is_refused(f"{header}.{forged}.{good_signature}")
    assert provider.is_refused(f"{header}.{forged}.{signature}")


def test_the_clocks_of_two_machines_may_be_a_minute_apart(provider):
    assert provider.tokens.read(provider.token(iat=NOW + 60, nbf=NOW + 60))
    assert provider.tokens.read(provider.token(exp=NOW - 59))


def test_the_time_is_that_of_the_service(provider):
    text = provider.token()
    provider.now += 3600 + 60

    assert provider.is_refused(text)


def test_another_algorithm_is_refused_and_costs_no_fetch(provider):
    public = published()["n"].encode()
    claims = provider.claims()
    texts = [
        jwt.encode(claims, "", algorithm="none", headers={"kid": "k1"}),
        jwt.encode(claims, b"k" * 32, algorithm="HS256", headers={"kid": "k1"}),
        jwt.encode(claims, public, algorithm="HS256", headers={"kid": "k1"}),  # what is public as a shared secret
        jwt.encode(claims, private_key(), algorithm="RS512", headers={"kid": "k1"}),
        jwt.encode(claims, private_key(), algorithm="PS256", headers={"kid": "k1"}),
        jwt.encode(claims, private_key(), algorithm="RS256"),
    ]

    assert all(map(provider.is_refused, texts))
    assert provider.asked == 0


def test_a_key_that_a_token_brings_along_is_no_key(provider):
    own = published("mallory")
    for headers in ({"jwk": own}, {"jku": "http://evil.test/keys"}, {"crit": ["x"], "x": 1}):
        assert provider.is_refused(provider.token(key="mallory", kid="k1", headers=headers))
    assert provider.is_refused(provider.token(headers={"crit": ["x"], "x": 1}))


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "..", "...", "a.b.c", "ä.ö.ü", "\ud800", "x" * 8_192, "x" * 8_193, "e30.e30.e30", "e30.e30.",
        "bnVsbA.e30.e30",
        "W10.e30.", "\0", "eyJhbGciOiJSUzI1NiJ9", base64.urlsafe_b64encode(b"[" * 6_000).decode() + ".e30.e30",
        base64.urlsafe_b64encode(b'{"kid":' + b"9" * 5_000 + b"}").decode() + ".e30.e30",
        base64.urlsafe_b64encode(b'{"alg":"RS256","kid":["k1"]}').decode().rstrip("=") + ".e30.e30",
        base64.urlsafe_b64encode(b'{"alg":["RS256"],"kid":"k1"}').decode().rstrip("=") + ".e30.e30",
    ],
)  # fmt: skip
def test_what_is_no_token_is_refused(provider, text):
    assert provider.is_refused(text)
    assert provider.asked <= 1


def test_every_change_of_a_token_is_refused(provider):
    header, claims, signature = provider.token().split(".")
    for changed in (f"{header}.{claims}.", f"{header}.{claims}", f"{header}.{claims}.{signature[:-4]}"):
        assert provider.is_refused(changed)
    foreign = provider.token(aud="client-2").split(".")[1]
    assert provider.is_refused(f"{header}.{foreign}.{signature}")


def test_a_token_that_is_too_long_is_not_looked_at(provider):
    assert provider.is_refused(provider.token(name="x" * 8_192))
    assert provider.asked == 0


# ---- keys ------------------------------------------------------------------------------------------------------------


def test_keys_are_fetched_once_while_they_are_fresh(provider):
    for _ in range(3):
        assert provider.tokens.read(provider.token())
    provider.now += 19_844
    assert provider.tokens.read(provider.token())
    assert provider.asked == 1
    provider.now += 1
    assert provider.tokens.read(provider.token())
    assert provider.asked == 2


@pytest.mark.parametrize(
    ("header", "fresh_seconds"),
    [
        ("", 3_600),
        ("public, MAX-AGE=120", 120),
        ("s-maxage=5, max-age=120", 120),
        ("max-age=soon", 3_600),
        ("max-age=-1", 3_600),
        ("max-age=1", 60),
        ("max-age=0, no-store", 60),
        ("max-age=999999999", DAY),
        ("x-max-age=5", 3_600),
    ],
)
def test_how_long_keys_are_fresh_is_what_the_answer_says_between_a_minute_and_a_day(provider, header, fresh_seconds):
    provider.headers = {"Cache-Control": header}
    provider.tokens.read(provider.token())
    provider.now += fresh_seconds - 1
    provider.tokens.read(provider.token())
    assert provider.asked == 1
    provider.now += 1
    provider.tokens.read(provider.token())
    assert provider.asked == 2


def test_a_thousand_made_up_names_of_keys_cost_one_fetch_a_minute(provider):
    provider.tokens.read(provider.token())
    header, rest = '{{"alg":"RS256","kid":"forged-{}"}}', ".e30.e30"
    for number in range(1_000):
        provider.now = NOW + number // 10
        made_up = base64.urlsafe_b64encode(header.format(number).encode()).rstrip(b"=").decode() + rest
        assert provider.is_refused(made_up)
    assert provider.asked == 2
    assert provider.tokens.read(provider.token())


def test_a_new_key_is_found_as_soon_as_it_is_asked_for(provider):
    provider.tokens.read(provider.token())
    provider.keys = [published(), published("k2")]
    assert provider.is_refused(provider.token(key="k2")), "the keys are not a minute old"
    provider.now += 60
    assert provider.tokens.read(provider.token(key="k2"))
    assert provider.tokens.read(provider.token())
    assert provider.asked == 2


def test_a_key_that_is_withdrawn_is_good_for_nothing_after_the_next_fetch(provider):
    provider.tokens.read(provider.token())
    provider.keys = [published("k2")]
    provider.now += 60
    assert provider.tokens.read(provider.token(key="k2"))
    assert provider.is_refused(provider.token())


@pytest.mark.parametrize("keys", [None, [], "no json", "[]", '{"keys": 7}'])
def test_keys_stay_good_for_a_day_while_no_others_can_be_had(provider, keys):
    provider.tokens.read(provider.token())
    provider.keys = keys
    provider.now += 20_000
    for _ in range(3):
        assert provider.tokens.read(provider.token())
    assert provider.asked == 2, "one fetch that fails a minute"
    with pytest.raises(KeysUnavailable):
        provider.tokens.read(provider.token(key="k2"))
    provider.now = NOW + DAY - 1
    assert provider.tokens.read(provider.token())
    provider.now += 1
    with pytest.raises(KeysUnavailable):
        provider.tokens.read(provider.token())


def test_without_any_key_nothing_can_be_said_until_the_next_second(provider):
    good, provider.keys = provider.keys, None
    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            provider.tokens.read(provider.token())
    assert provider.asked == 1
    provider.keys = good
    provider.now += 1
    assert provider.tokens.read(provider.token())


def test_many_who_come_at_once_cost_one_fetch(provider):
    text, provider.pause = provider.token(), 0.05
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(provider.tokens.read, [text] * 8))
    assert provider.asked == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"use": "enc"}, {"alg": "RS512"}, {"kty": "EC"}, {"n": None}, {"e": None}, {"n": "!"}, {"n": 7}, {"e": "AA"},
        {"n": "ä"},
        {"use": ["sig"]}, {"alg": {}},
    ],
)  # fmt: skip
def test_only_keys_that_sign_with_the_algorithm_count(provider, changes):
    provider.keys = [published(**changes), published("k2"), None, "key", {"kid": 7}]

    assert provider.is_refused(provider.token())
    assert provider.tokens.read(provider.token(key="k2"))


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_a_key_that_is_too_short_is_none(provider):
    provider.keys = [published("weak"), published("k2")]

    assert provider.is_refused(provider.token(key="weak"))


def test_a_key_need_not_say_what_it_is_for(provider):
    provider.keys = [published(use=None, alg=None)]

    assert provider.tokens.read(provider.token())
