"""Stored profiles over HTTP."""

import httpx
import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.runtime.outside import Http
from lambda_src.services.nbhd_city.models import Identity
from lambda_src.services.nbhd_city.principals import AccessTokens
from tests.support.dynamodb_faults import Faults
from tests.support.nbhd_city import did

EMPTY = {"display_name": "Al", "bio": "", "location": "", "email": "", "avatar": ""}


def test_a_profile_is_made_once_and_its_address_is_shown_to_nobody_else(new_city):
    city = new_city()
    assert city.ask("GET", "/api/users/me", by="alice").json()["code"] == "profile_not_found"

    with city.counted() as requests:
        made = city.ask("POST", "/api/users/me/profile", by="alice", json=EMPTY)
    city.clock.forward(seconds=1)
    again = city.ask("POST", "/api/users/me/profile", by="alice", json=EMPTY)
    seen = city.ask("GET", "/api/users/did:plc:alice")

    assert made.status_code == 201
    now = "2025-01-15T08:30:00.123000Z"
    public = {
        "id": "did:plc:alice",
        "handle": "alice.bsky.social",
        "display_name": "Al",
        "avatar": None,
        "bio": "",
        "location": "",
        "created_at": now,
        "updated_at": now,
    }
    assert made.json() == public | {"email": ""}
    assert city.ask("GET", "/api/users/me", by="alice").json() == made.json()
    assert requests == {"PutItem": 1}
    assert (again.status_code, again.json()["code"]) == (409, "profile_exists")
    assert (seen.status_code, seen.json()) == (200, public)
    [item] = city.items()
    assert "joined_at" not in item


def test_what_is_absent_stays_and_what_is_empty_is_cleared(new_city):
    city = new_city()
    full = {
        "display_name": "Al",
        "bio": "Gardener",
        "location": "Lima",
        "email": "al@example.com",
        "avatar": "https://cdn.example/al.png",
    }
    made = city.ask("POST", "/api/users/me/profile", by="alice", json=full).json()
    assert full.items() <= made.items()
    city.clock.forward(minutes=1)

    with city.counted() as requests:
        changed = city.ask("PUT", "/api/users/me", by="alice", json={"bio": "Beekeeper", "location": ""}).json()
    cleared = city.ask("PUT", "/api/users/me", by="alice", json=dict.fromkeys(full, "")).json()

    assert requests == {"UpdateItem": 1}
    later = {"updated_at": "2025-01-15T08:31:00.123000Z"}
    assert changed == made | later | {"bio": "Beekeeper", "location": ""}
    assert cleared == made | later | EMPTY | {"display_name": "alice.bsky.social", "avatar": None}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"display_name": "x" * 65}, "display_name"),
        ({"bio": "x" * 501}, "bio"),
        ({"location": "x" * 101}, "location"),
        ({"email": "nobody"}, "email"),
        ({"email": "a b@example.com"}, "email"),
        ({"email": f"{'x' * 250}@example.com"}, "email"),
        ({"avatar": "http://example.com/a.png"}, "avatar"),
        ({"avatar": "javascript:alert(1)"}, "avatar"),
        ({"avatar": "https://"}, "avatar"),
        ({"avatar": "https://[::1"}, "avatar"),
        ({"avatar": f"https://example.com/{'x' * 2048}"}, "avatar"),
        ({"handle": "root"}, "handle"),
        ({"bio": None}, "bio"),
    ],
)
def test_what_is_no_change_of_a_profile_is_refused_by_its_field(new_city, body, field):
    city = new_city()
    made = city.ask("POST", "/api/users/me/profile", by="alice", json=EMPTY).json()

    answer = city.ask("PUT", "/api/users/me", by="alice", json=body)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert city.ask("GET", "/api/users/me", by="alice").json() == made


def test_changing_a_profile_that_does_not_exist_creates_nothing(new_city):
    city = new_city()

    answer = city.ask("PUT", "/api/users/me", by="alice", json={"bio": "x"})

    assert (answer.status_code, answer.json()["code"]) == (404, "profile_not_found")
    assert city.items() == []


def test_profiles_of_many_users_are_one_request(new_city):
    city = new_city()
    for name in ("alice", "bob"):
        city.ask("POST", "/api/users/me/profile", by=name, json={"email": f"{name}@example.com"})
    wanted = [did("alice"), did("bob"), did("alice"), *(did(f"nobody{n}") for n in range(97))]

    with city.counted() as requests:
        answer = city.ask("POST", "/api/users/batch", json={"user_ids": wanted})

    assert answer.json().keys() == {"did:plc:alice", "did:plc:bob"}
    assert all("email" not in user for user in answer.json().values())
    assert requests == {"BatchGetItem": 1}


@pytest.mark.parametrize(
    "user_ids", [[], ["nobody"], ["did:plc:a" + "a" * 255], [f"did:plc:{n}" for n in range(101)], [1]]
)
def test_what_is_no_list_of_up_to_a_hundred_users_is_refused(new_city, user_ids):
    assert new_city().ask("POST", "/api/users/batch", json={"user_ids": user_ids}).status_code == 422


def test_a_user_who_does_not_exist_or_cannot_is_not_found(new_city):
    city = new_city()

    with city.counted() as requests:
        unknown, malformed = city.ask("GET", "/api/users/did:plc:nobody"), city.ask("GET", "/api/users/nobody")

    assert [unknown.json()["code"], malformed.json()["code"]] == ["user_not_found"] * 2
    assert requests == {"GetItem": 1}


@pytest.mark.parametrize(
    ("status", "handle"), [(200, "alice.example"), (500, "handle.invalid"), (400, "handle.invalid")]
)
def test_a_profile_without_a_handle_in_the_token_asks_bluesky(new_city, status, handle):
    live = {"did": "did:plc:alice", "handle": "alice.example", "error": "InvalidRequest"}
    http = Http(transport=httpx.MockTransport(lambda _: httpx.Response(status, json=live)))
    city = new_city(http=http)
    token = city.part(AccessTokens).issue(Identity(did("alice"), None), method="bsky").text

    made = city.ask("POST", "/api/users/me/profile", json={}, headers={"Authorization": f"Bearer {token}"})

    assert (made.status_code, made.json()["handle"], made.json()["display_name"]) == (201, handle, handle)
    http.close()


def test_a_profile_whose_answer_got_lost_was_made(new_city, dynamodb_client):
    faults = Faults(Boto3Client(dynamodb_client))
    city = new_city(engine=faults)
    lost = faults.lose_next_answer("PutItem")

    answer = city.ask("POST", "/api/users/me/profile", by="alice", json=EMPTY)

    assert lost
    assert answer.status_code == 201
