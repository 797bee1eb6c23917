"""The caller's profile as BlueSky shows it."""

import pytest

from cdk_app.services.stand_ins.answers import Answer, Json, json_answer
from lambda_src.services.nbhd_city import clients as upstream
from lambda_src.services.nbhd_city.models import Identity
from lambda_src.services.nbhd_city.profiles import service as live_profiles


@pytest.fixture
def ask(city):
    """`ask()`: the answer to Alice's question for her own profile."""

    def get(did="did:plc:alice"):
        token = city.tokens.issue(Identity(did, None), method="bsky").text
        return city.api.get("/api/users/profile", headers={"authorization": f"Bearer {token}"})

    return get


def test_a_profile_has_bluesky_s_names_and_drops_what_is_not_known(ask):
    answer = ask()
    assert answer.json() == {
        "did": "did:plc:alice",
        "handle": "alice.bsky.social",
        "displayName": "Alice",
        "description": "Gardens and maps.",
        "avatar": None,
        "banner": None,
        "followersCount": 3,
        "followsCount": 5,
        "postsCount": 8,
    }
    assert "x-profile-stale" not in answer.headers


def test_a_profile_needs_a_token(city):
    assert city.api.get("/api/users/profile").json()["code"] == "missing_token"


def test_a_profile_is_kept_for_a_while(city, ask):
    assert ask().json() == ask().json()
    assert len(city.world.calls) == 1


@pytest.mark.parametrize("error", ["InvalidRequest", "AccountTakedown", "AccountDeactivated"])
def test_an_account_that_is_gone_has_no_profile(city, ask, error):
    city.world.order("profile", json_answer({"error": error}, status=400))
    answer = ask()
    assert (answer.status_code, answer.json()["code"]) == (404, "profile_not_found")


DOWN = json_answer({"error": "InternalServerError"}, status=500)


@pytest.mark.parametrize(
    "faults",
    [
        [DOWN, DOWN],
        [json_answer({"error": "RateLimitExceeded"}, status=429)],
        [json_answer({"error": "Other"}, status=400)],
        [Answer(body="<html>")],
        [json_answer({"did": "did:plc:bob", "handle": "bob.example"})],
        [json_answer({}, status=302, headers={"location": "http://127.0.0.1:1/"})],
    ],
)
def test_an_answer_that_cannot_be_used_is_an_upstream_error(city, ask, faults):
    city.world.order("profile", *faults)
    answer = ask()
    assert (answer.status_code, answer.json()["code"]) == (502, "upstream_error")


def test_an_old_profile_is_marked_as_one_while_bluesky_is_down(city, ask, monkeypatch):
    monkeypatch.setattr(live_profiles, "FRESH_SECONDS", 0)
    assert ask().status_code == 200
    city.world.order("profile", DOWN, DOWN)
    answer = ask()
    assert (answer.status_code, answer.headers["x-profile-stale"]) == (200, "true")
    assert answer.json()["handle"] == "alice.bsky.social"
    assert "x-profile-stale" not in ask().headers


def test_bluesky_hanging_is_a_time_out(city, ask, monkeypatch):
    monkeypatch.setattr(upstream, "CALL_TIMEOUT_SECONDS", 0.3)
    city.world.order("profile", Answer(delay_seconds=5))
    answer = ask()
    assert (answer.status_code, answer.json()["code"]) == (504, "upstream_timeout")


def test_odd_numbers_count_as_none(city, ask):
    body: Json = {"did": "did:plc:alice", "followersCount": "3", "followsCount": -1, "postsCount": True}
    city.world.order("profile", json_answer(body))
    answer = ask().json()
    assert (answer["followersCount"], answer["followsCount"], answer["postsCount"]) == (0, 0, 0)
    assert answer["handle"] == "handle.invalid"
