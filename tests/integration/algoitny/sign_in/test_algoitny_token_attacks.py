"""Tokens of every wrong kind open nothing, and nothing secret or private shows where it does not belong."""

import json
import logging
import uuid

import jwt
import pytest

from lambda_src.runtime.app_secret import DerivedKeys
from lambda_src.runtime.tokens import TokenRules, TokenSigner
from lambda_src.services.algoitny import wiring
from lambda_src.services.algoitny.errors import TokenRevoked
from lambda_src.services.algoitny.principals import AccessTokens
from lambda_src.signing import to_base64url
from tests.support.algoitny import SIGNING_KEY
from tests.support.algoitny_google import ANN, REDIRECT, VERIFIER
from tests.support.algoitny_people import told, users_of
from tests.support.played import generated_keys

REFUSED = (401, "not_authenticated")


class Forger:
    """Somebody who has the key of access tokens, to write what the service never does."""

    def __init__(self, google):
        self._google = google
        self._keys = DerivedKeys(generated_keys(SIGNING_KEY), wiring.TOKEN_PURPOSE)

    def token(self, *, audience="local", issuer="algoitny", lifetime_seconds=3600, **changes):
        rules = TokenRules(issuer=issuer, audience=audience)
        claims = {"sub": str(self._google.judge.user("eve@example.com").user_id), "typ": "access", "ver": 0}
        stated = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        signer = TokenSigner(self._keys, rules, seconds=self._google.judge.resources.seconds)
        return signer.sign({"jti": str(uuid.uuid4()), **stated}, lifetime_seconds=lifetime_seconds)

    def signed(self, algorithm, key):
        claims = jwt.decode(self.token(), options={"verify_signature": False})
        return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": self._keys.current().id})


@pytest.fixture
def forger(google):
    return Forger(google)


def test_the_forger_would_be_let_in_with_the_right_token(google, forger):
    assert google.knock(forger.token()) == (404, "not_found")


def test_a_token_of_another_kind_deployment_or_version_opens_nothing(google, forger):
    wrong = (
        {"typ": "refresh"}, {"typ": None}, {"typ": ["access"]}, {"audience": "prod"}, {"issuer": "nbhd"}, {"ver": None},
        {"ver": "0"}, {"ver": True}, {"ver": 0.0}, {"lifetime_seconds": -31},
    )  # fmt: skip
    for changes in wrong:
        expected = (401, "token_expired") if "lifetime_seconds" in changes else REFUSED
        assert google.knock(forger.token(**changes)) == expected, changes
    assert google.knock(forger.token(ver=1)) == (401, "token_revoked")


def test_a_subject_that_is_no_id_is_nobody(google, forger):
    for subject in ("", "eve", "1e3", "-1", "+1", " 1", "1\n", "1_0", "0x1", "1.0", None):
        assert google.knock(forger.token(sub=subject)) == REFUSED, subject
    for subject in ("0", "1", "9" * 15, "9" * 100, "9" * 1_000, "9" * 3_000, "\u0661\u0662", "\u00b2"):
        status, code = google.knock(forger.token(sub=subject))
        assert (status, code) in (REFUSED, (401, "token_revoked")), subject


def test_another_algorithm_or_key_opens_nothing(google, forger):
    public = google.world.certs()["keys"][0]["n"].encode()
    for text in (
        forger.signed("none", ""), forger.signed("HS256", "k" * 32), forger.signed("HS256", public),
        forger.signed("HS256", SIGNING_KEY), forger.signed("RS256", google.world._key),
        forger.token() + "x", forger.token() + "=", "a.b.c", "x" * 4_097,
    ):  # fmt: skip
        assert google.knock(text) == REFUSED, text[:40]


def test_tokens_for_one_thing_are_of_no_use_for_another(google):
    session = google.signed_in()

    assert google.knock(session["refresh"]) == REFUSED
    assert google.knock(google.token()) == REFUSED
    assert told(google.post("refresh", refresh=session["access"])) == (401, "invalid_token")
    assert told(google.post("google", id_token=session["access"])) == (401, "invalid_google_token")
    assert told(google.post("google", id_token=session["refresh"])) == (401, "invalid_google_token")


def test_only_a_bearer_is_read(google):
    access = google.signed_in()["access"]
    for header in ("", access, f"Basic {access}", f"Bearer{access}", "Bearer", f"Token {access}"):
        answer = google.judge.ask("GET", "/api/tasks/none", headers={"Authorization": header})
        assert told(answer) == REFUSED, header[:20]


def test_a_key_that_was_rotated_out_of_the_secret_is_good_for_nothing(google):
    session = google.signed_in()
    google.judge.secret.held |= {"current": "n" * 64, "previous": SIGNING_KEY}
    assert google.knock(session["access"]) == (404, "not_found")
    google.judge.secret.held |= {"previous": ""}
    assert google.knock(session["access"]) == REFUSED


def test_a_token_version_is_compared_with_the_account_of_this_instant(google):
    session = google.signed_in()
    users_of(google.judge).revoke_tokens(session["user"]["id"])

    with pytest.raises(TokenRevoked):
        google.judge.part(AccessTokens).read(session["access"])


def test_refusals_tell_nothing_of_who_or_what_was_refused(google, caplog):
    """Addresses and secrets of all kinds, through every route of signing in, whatever comes of it."""
    google.judge.plan(plan_id=4, name="canary-plan")
    session = google.signed_in()
    caplog.set_level(logging.INFO)
    other = google.token(sub="canary-sub")
    code = google.code()
    sent = [
        ("google", {"id_token": other}),
        ("google", {"id_token": google.token(email="canary@example.com", email_verified=False)}),
        ("google", {"id_token": google.token(client="another")}),
        ("google", {"code": code, "redirect_uri": REDIRECT, "code_verifier": "x" * 43}),
        ("google", {"code": "canary-code", "redirect_uri": REDIRECT, "code_verifier": VERIFIER}),
        ("google", {"code": "canary-code", "redirect_uri": "https://canary.example/"}),
        ("google", {"id_token": "canary-token", "x": "canary-x"}),
        ("refresh", {"refresh": session["access"]}),
        ("logout", {"refresh": "canary-refresh"}),
    ]
    answers = [google.post(route, **body) for route, body in sent]
    assert {answer.status_code for answer in answers} == {400, 401, 403, 409, 422}
    google.post("refresh", refresh=session["refresh"])

    private = ("canary", ANN.email.lower(), "ann@", session["access"], session["refresh"], other, code, VERIFIER)
    shown = "".join(answer.text for answer in answers).lower()
    logged = json.dumps([{**vars(line), "exc_text": line.exc_text} for line in caplog.records], default=str)
    for each in (*private, "google-secret", SIGNING_KEY):
        assert each.lower() not in shown
        assert each not in logged, [line for line in logged.split("{") if each in line]


def test_a_forged_token_costs_no_table_request(google, forger):
    forged = forger.signed("HS256", "k" * 32)
    with google.judge.counted() as requests:
        google.knock(forged)
        google.post("google", id_token="a.b.c")
        google.post("refresh", refresh="x")

    assert requests == {}


def test_made_up_names_of_google_keys_cost_one_fetch(google):
    google.signed_in()
    google.judge.clock.forward(minutes=1)
    for number in range(20):
        header = to_base64url(json.dumps({"alg": "RS256", "kid": f"k{number}"}).encode())
        forged = ".".join([header, *google.token().split(".")[1:]])
        assert told(google.post("google", id_token=forged)) == (401, "invalid_google_token")

    assert google.world.calls["certs"] == 2
