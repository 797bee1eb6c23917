"""Sign-ins that must not succeed, and what the page is told when other servers fail."""

import dataclasses
import time

import jwt
import pytest

from cdk_app.services.stand_ins.answers import Answer, json_answer
from lambda_src.services.nbhd_city import clients as upstream
from lambda_src.services.nbhd_city.sign_in import service as sign_in
from tests.support.dripping_server import DrippingServer
from tests.support.sign_in import answered

BOTH = pytest.mark.parametrize("profile", ["basic", "atproto"])

# ---- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example",
        "http://localhost:5173.evil.example/",
        "http://localhost:5173@evil.example/",
        "https://nbhd.example:8443/",
        "http://nbhd.example/",
        "//nbhd.example/",
        "https://[nbhd.example/",
        "javascript:alert(1)",
        "https://evil.example\\@nbhd.example/",
    ],
)
def test_a_return_address_of_somebody_else_is_refused(city, url):
    answer = city.api.get("/auth/login", params={"return_url": url})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_return_url")
    assert not city.world.calls


@BOTH
def test_a_callback_works_once(make_city, profile):
    city = make_city(profile=profile)
    browser = city.browser().login().choose()
    assert "code" in answered(browser.callback())
    calls = len(city.world.calls)
    replay = browser.callback()
    assert (replay.status_code, replay.json()["code"]) == (400, "invalid_state")
    assert len(city.world.calls) == calls, "nobody was asked"


def test_a_callback_that_comes_too_late_is_refused_though_the_state_is_still_there(city):
    browser = city.browser().login().choose()
    city.clock.forward(seconds=601)
    late = browser.callback()
    assert (late.status_code, late.json()["code"]) == (400, "invalid_state")
    assert len(city.items()) == 1


def test_a_callback_without_the_cookie_changes_nothing(city):
    browser = city.browser().login().choose()
    without = browser.callback(cookies=False)
    assert (without.status_code, without.json()["code"]) == (400, "invalid_state")
    assert "code" in answered(browser.callback())


def test_a_callback_in_another_browser_is_refused_and_the_right_one_still_works(city):
    victim, attacker = city.browser(), city.browser().login().choose("did:plc:mallory")
    victim.login()
    assert victim.callback(attacker.back).json()["code"] == "invalid_state"
    name = next(iter(attacker.cookies))
    victim.cookies[name] = "x" * 43
    assert victim.callback(attacker.back).json()["code"] == "invalid_state"
    assert attacker.callback().status_code == 302


@pytest.mark.parametrize("query", ["", "?code=x", "?state=&code=x", "?state=unknown&code=x", "?error=access_denied"])
def test_a_callback_nobody_began_is_refused(city, query):
    answer = city.api.get(f"/auth/callback{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_state")


def test_a_login_code_works_once(city):
    code = answered(city.browser().login().choose().callback())["code"]
    assert city.api.post("/auth/token", json={"code": code}).status_code == 200
    again = city.api.post("/auth/token", json={"code": code})
    assert (again.status_code, again.json()["code"]) == (400, "invalid_grant")


def test_a_login_code_is_good_for_a_minute(city):
    code = answered(city.browser().login().choose().callback())["code"]
    city.clock.forward(seconds=61)
    late = city.api.post("/auth/token", json={"code": code})
    assert (late.status_code, late.json()["code"]) == (400, "invalid_grant")


@pytest.mark.parametrize("code", ["", "forged", "x" * 2048])
def test_a_forged_login_code_is_refused(city, code):
    assert city.api.post("/auth/token", json={"code": code}).json()["code"] == "invalid_grant"


@pytest.mark.parametrize("body", [{}, {"code": 5}, {"code": "x" * 2049}, {"code": "x", "more": 1}])
def test_a_body_that_is_no_login_code_is_invalid(city, body):
    assert city.api.post("/auth/token", json=body).json()["code"] == "validation_error"


# ---- what can go wrong on the other side ---------------------------------------------------------------------------


def failure(browser, city):
    told = answered(browser.callback())
    assert "code" not in told
    assert city.metrics.counted == [("OAuthFailure", {"reason": told["error"]})]
    assert browser.callback().json()["code"] == "invalid_state", "the state is used up all the same"
    return told["error"]


@BOTH
def test_somebody_who_refuses_is_told_so(make_city, profile):
    city = make_city(profile=profile)
    assert failure(city.browser().login().choose(""), city) == "access_denied"


def test_any_other_error_of_the_authorization_server_is_one(city):
    browser = city.browser().login().choose("")
    browser.back = browser.back.replace("access_denied", "server_error")
    assert failure(browser, city) == "oauth_error"


GARBAGE = Answer(body="<html>", content_type="text/html")
UNAVAILABLE = json_answer({"error": "temporarily_unavailable"}, status=503)
NONCE = {"DPoP-Nonce": "n"}
BUSY = json_answer({"error": "RateLimitExceeded"}, status=429)


@pytest.mark.parametrize(
    ("place", "faults", "reason"),
    [
        ("token", [json_answer({"error": "invalid_grant"}, status=400, headers=NONCE)], "oauth_exchange_failed"),
        ("token", [UNAVAILABLE], "upstream_unavailable"),
        ("token", [BUSY], "upstream_unavailable"),
        ("token", [json_answer({}, status=429, headers=NONCE)], "upstream_unavailable"),
        ("token", [Answer(status=408)], "upstream_unavailable"),
        ("token", [GARBAGE], "oauth_exchange_failed"),
        ("token", [json_answer([], headers=NONCE)], "oauth_exchange_failed"),
        ("token", [json_answer({"sub": "did:plc:alice"}, headers=NONCE)], "oauth_exchange_failed"),
        (
            "token",
            [json_answer({"sub": "did:plc:alice", "scope": "other", "token_type": "DPoP"}, headers=NONCE)],
            "oauth_exchange_failed",
        ),
        ("token", [json_answer({"scope": "atproto", "token_type": "DPoP"}, headers=NONCE)], "oauth_exchange_failed"),
        (
            "token",
            [json_answer({"sub": "alice", "scope": "atproto", "token_type": "DPoP"}, headers=NONCE)],
            "oauth_exchange_failed",
        ),
        (
            "token",
            [json_answer({"sub": "did:plc:alice", "scope": "atproto", "token_type": "Bearer"}, headers=NONCE)],
            "oauth_exchange_failed",
        ),
        ("token", [json_answer({"sub": "did:plc:alice", "scope": "atproto"})], "oauth_exchange_failed"),
        ("token", [json_answer({"error": "use_dpop_nonce"}, status=400)], "oauth_exchange_failed"),
        (
            "token",
            [json_answer({"error": "use_dpop_nonce"}, status=400, headers=NONCE)] * 2,
            "oauth_exchange_failed",
        ),
        ("token", [Answer(body="x" * 70_000)], "upstream_unavailable"),
        ("directory", [json_answer({}, status=404)], "identity_mismatch"),
        ("directory", [json_answer({"id": "did:plc:bob", "service": []})], "identity_mismatch"),
        ("directory", [GARBAGE], "identity_mismatch"),
        ("directory", [UNAVAILABLE, UNAVAILABLE], "upstream_unavailable"),
        ("pds", [json_answer({"authorization_servers": []})], "identity_mismatch"),
        ("pds", [json_answer({"authorization_servers": ["https://elsewhere.example"]})], "identity_mismatch"),
        ("pds", [UNAVAILABLE, UNAVAILABLE], "upstream_unavailable"),
        ("pds", [BUSY], "upstream_unavailable"),
    ],
)
def test_a_failure_of_another_server_is_told_to_the_page(city, place, faults, reason):
    browser = city.browser().login().choose()
    city.world.order(place, *faults)
    assert failure(browser, city) == reason


def test_a_busy_server_of_plain_oauth_is_no_refusal_either(make_city):
    city = make_city(profile="basic")
    browser = city.browser().login().choose()
    city.world.order("basic_token", BUSY)
    assert failure(browser, city) == "upstream_unavailable"


def test_an_account_whose_server_trusts_somebody_else_cannot_sign_in(city):
    assert failure(city.browser().login().choose("did:plc:mallory"), city) == "identity_mismatch"


@pytest.mark.parametrize("issuer", ["https://evil.example", ""])
def test_an_answer_of_another_issuer_is_refused_before_the_code_goes_anywhere(city, issuer):
    browser = city.browser().login().choose()
    before, _, _ = browser.back.partition("&iss=")
    browser.back = f"{before}&iss={issuer}"
    assert failure(browser, city) == "oauth_exchange_failed"
    assert city.world.errors("token") == []


def test_a_callback_without_a_code_is_a_failed_exchange(city):
    browser = city.browser().login().choose()
    browser.back = browser.back.replace("code=", "nocode=")
    assert failure(browser, city) == "oauth_exchange_failed"


@BOTH
def test_a_get_that_failed_is_sent_once_more(make_city, profile):
    city = make_city(profile=profile)
    city.world.order("profile", UNAVAILABLE)
    city.world.order("directory", UNAVAILABLE)
    assert city.browser().sign_in()["user"]["handle"] == "alice.bsky.social"


@pytest.mark.parametrize("fault", [UNAVAILABLE, GARBAGE, json_answer({"did": "did:plc:bob", "handle": "bob.example"})])
def test_without_a_live_profile_the_sign_in_succeeds_without_a_handle(city, fault):
    city.world.order("profile", fault, fault)
    body = city.browser().sign_in()
    assert body["user"]["handle"] == "handle.invalid"
    me = city.api.get("/auth/me", headers={"authorization": f"Bearer {body['access_token']}"})
    assert me.json()["handle"] is None


@pytest.fixture
def impatient(monkeypatch):
    """A call takes 0.5 s at most and a step 1.2 s, not 5 s and 12 s, so that nobody has to wait for that."""
    assert (upstream.CALL_TIMEOUT_SECONDS, sign_in.SECONDS_IN_ALL) == (5, 12)
    monkeypatch.setattr(upstream, "CALL_TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr(sign_in, "SECONDS_IN_ALL", 1.2)


HANGS = Answer(delay_seconds=8)


def test_a_live_profile_that_hangs_does_not_fail_the_sign_in(city, impatient):
    browser = city.browser().login().choose()
    city.world.order("profile", HANGS)
    code = answered(browser.callback())["code"]
    token = city.api.post("/auth/token", json={"code": code}).json()["access_token"]
    assert "hdl" not in jwt.decode(token, options={"verify_signature": False})


def test_the_calls_of_a_callback_have_one_time_limit_together(city, impatient):
    browser = city.browser().login().choose()
    city.world.rotate_nonces()
    slow_refusal = {"error": "use_dpop_nonce"}, {"DPoP-Nonce": city.world.nonce}
    delayed = json_answer(slow_refusal[0], status=400, headers=slow_refusal[1])
    city.world.order("token", dataclasses.replace(delayed, delay_seconds=0.4))
    city.world.order("directory", Answer(status=503, delay_seconds=0.4))
    city.world.order("pds", HANGS)
    started = time.monotonic()
    assert answered(browser.callback()) == {"error": "upstream_unavailable"}
    assert 1.1 < time.monotonic() - started < 2.5


def test_an_authorization_server_that_hangs_is_a_gateway_time_out(city, impatient):
    city.world.order("par", HANGS)
    answer = city.browser().login().started
    assert (answer.status_code, answer.json()["code"]) == (504, "upstream_timeout")
    assert city.items() == []
    assert len(city.metrics.measured) == 2, "its metadata, and the call that hung"


def test_an_authorization_server_that_drips_does_not_outlast_the_time_of_a_step(make_city, impatient):
    with DrippingServer(b"HTTP/1.1 200 OK\r\nx-long: ", b"x" * 1_000) as server:
        city = make_city(bluesky_oauth_issuer=server.url)
        started = time.monotonic()
        answer = city.browser().login().started
        assert time.monotonic() - started < 2.5
        assert (answer.status_code, answer.json()["code"]) == (504, "upstream_timeout")


@pytest.mark.parametrize(
    ("place", "faults"),
    [
        ("metadata", [UNAVAILABLE, UNAVAILABLE]),
        ("metadata", [json_answer({"issuer": "https://evil.example"})]),
        ("par", [json_answer({"error": "invalid_request"}, status=400, headers=NONCE)]),
        ("par", [UNAVAILABLE]),
        ("par", [BUSY]),
        ("par", [json_answer({"request_uri": "urn:x"}, status=201)]),
        ("par", [json_answer({}, status=201, headers=NONCE)]),
    ],
)
def test_a_sign_in_that_cannot_begin_leaves_nothing_behind(city, place, faults):
    city.world.order(place, *faults)
    answer = city.browser().login().started
    assert (answer.status_code, answer.json()["code"]) == (502, "upstream_error")
    assert city.items() == []


@pytest.mark.parametrize(("profile", "member"), [("basic", "client_secret"), ("atproto", "client_jwk")])
def test_a_sign_in_without_credentials_of_the_client_is_not_set_up(make_city, profile, member):
    city = make_city(profile=profile)
    del city.secret.held["oauth"][member]
    city.secret.refresh()
    answer = city.browser().login().started
    assert (answer.status_code, answer.json()["code"]) == (503, "oauth_not_configured")
    assert answer.headers["retry-after"] == "60"
