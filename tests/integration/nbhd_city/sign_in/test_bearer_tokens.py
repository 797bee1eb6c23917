"""Access tokens as callers present them: what is accepted, and everything that is not."""

import jwt
import pytest

from tests.support.sign_in import key_text

KEY = bytes([7]) * 32


def claims(city, **changes):
    now = int(city.clock().timestamp())
    made = {
        "iss": "nbhd.city",
        "aud": "nbhd-city-api",
        "sub": "did:plc:alice",
        "iat": now,
        "exp": now + 600,
        "jti": "00000000-0000-4000-8000-000000000001",
        "amr": "bsky",
    }
    return {name: value for name, value in {**made, **changes}.items() if value is not None}


def token(city, *, key=KEY, kid="k1", algorithm="HS256", **changes):
    return jwt.encode(claims(city, **changes), key, algorithm=algorithm, headers={"kid": kid})


def bearer(text):
    return {"authorization": f"Bearer {text}"}


def ask(api, text):
    return api.get("/auth/me", headers=bearer(text))


def assert_refused(answer, code):
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_right_token_is_accepted(city):
    assert ask(city.api, token(city)).status_code == 200


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic YTpi"])
def test_without_a_token_one_is_asked_for(city, header):
    answer = city.api.get("/auth/me", headers={} if header is None else {"authorization": header})
    assert_refused(answer, "missing_token")


@pytest.mark.parametrize(
    "wrong",
    [
        {"exp": None},
        {"aud": "another-api"},
        {"kid": "k2"},
        {"key": bytes([8]) * 32},
        {"algorithm": "none", "key": None},
    ],
)
def test_a_wrong_token_is_invalid_and_nothing_is_written(city, wrong):
    assert_refused(ask(city.api, token(city, **wrong)), "invalid_token")
    created = city.api.post("/api/nbhds", json={"name": "Home"}, headers=bearer(token(city, **wrong)))
    assert_refused(created, "invalid_token")
    assert city.items() == []


def test_a_token_above_four_kibibytes_is_refused_unread_however_right_it_is(city):
    text = token(city, hdl="a" * 4000)
    assert len(text) > 4096
    assert ask(city.api, text).json()["code"] == "invalid_token"


def test_a_token_ends_ten_seconds_after_its_time_and_begins_ten_before(city):
    text = token(city)
    city.clock.forward(seconds=609)
    assert ask(city.api, text).status_code == 200
    city.clock.forward(seconds=1)
    assert_refused(ask(city.api, text), "expired_token")
    now = int(city.clock().timestamp())
    assert ask(city.api, token(city, iat=now + 9)).status_code == 200
    assert ask(city.api, token(city, iat=now + 12)).status_code == 401


def test_production_refuses_tokens_of_test_users(city):
    text = token(city, amr="test")
    assert ask(city.api, text).status_code == 200
    in_production = city.another_process(environment="prod", allow_insecure_upstreams=False)
    assert ask(in_production, token(city)).status_code == 200
    assert_refused(ask(in_production, text), "invalid_token")


def test_production_has_no_test_login_whatever_is_set(city):
    in_production = city.another_process(forced={"environment": "prod", "test_login_enabled": True})
    assert in_production.post("/auth/test-login", json={"username": "tess", "password": "x"}).status_code == 404


# ---- rotation ------------------------------------------------------------------------------------------------------


def rotate(city, *, keep):
    old = city.secret.held["jwt"]["current"]
    city.secret.held["jwt"] = {"current": {"kid": "k2", "key": key_text(fill=8)}, "previous": [old] if keep else []}


def test_a_key_that_another_process_uses_already_is_found_by_reading_the_secret_anew(city):
    rotate(city, keep=True)
    assert ask(city.api, token(city, key=bytes([8]) * 32, kid="k2")).status_code == 200
    assert city.secret.refreshed == 1


def test_tokens_outlive_a_rotation_until_their_key_is_removed(city):
    text = token(city)
    rotate(city, keep=True)
    city.secret.refresh()
    assert ask(city.api, text).status_code == 200
    rotate(city, keep=False)
    city.secret.refresh()  # as after 300 s; tests/unit/nbhd_city/test_app_keys.py counts them
    assert_refused(ask(city.api, text), "invalid_token")


@pytest.mark.parametrize("jwt_section", [{}, {"current": {}}, {"current": {"kid": "k1", "key": key_text(size=31)}}])
def test_without_a_key_of_32_bytes_nothing_that_needs_one_works(city, jwt_section):
    text = token(city)
    city.secret.held["jwt"] = jwt_section
    city.secret.refresh()
    answer = ask(city.api, text)
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert answer.headers["retry-after"] == "5"
    assert city.api.get("/health/ready").status_code == 503
    assert city.api.get("/health").status_code == 200


def test_logging_out_needs_a_token_and_keeps_nothing(city):
    assert city.api.post("/auth/logout").json()["code"] == "missing_token"
    answer = city.api.post("/auth/logout", headers={"authorization": f"Bearer {token(city)}"})
    assert answer.json() == {"message": "Successfully logged out"}
