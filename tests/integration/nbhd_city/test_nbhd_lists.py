"""Pages: the list of neighborhoods, members of one, neighborhoods of a user; and cursors that are not ours."""

import uuid
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from lambda_src.services.nbhd_city.models import Did, NbhdId, Neighborhood
from lambda_src.services.nbhd_city.repository.base import membership_item
from lambda_src.services.nbhd_city.repository.neighborhoods import neighborhood_item
from lambda_src.services.nbhd_city.rules.shards import list_partition
from lambda_src.services.nbhd_city.tables import MAIN
from tests.support.nbhd_city import AppSecretInHand, NbhdHouse, did, token_key

LONG_AGO = "2025-01-01T00:00:00.000000Z"


def times(count: int, *, equal: bool = False) -> list[str]:
    return [LONG_AGO if equal else f"2025-01-01T00:{n // 60:02d}:{n % 60:02d}.000000Z" for n in range(count)]


def fill(house: NbhdHouse, created: list[str], *, shards: int = 1) -> list[str]:
    """Neighborhoods of these times, without members; their ids."""
    made = []
    for number, created_at in enumerate(created):
        nbhd_id = NbhdId(str(uuid.uuid4()))
        made.append(
            Neighborhood(
                id=nbhd_id,
                name=f"Number {number}",
                name_lower=f"number {number}",
                created_by=did("alice"),
                created_at=created_at,
                updated_at=created_at,
                entity_type=list_partition(nbhd_id, shards),
            )
        )
    house.store.batch_write(MAIN, puts=[neighborhood_item(each) for each in made])
    return [each.id for each in made]


def pages(house: NbhdHouse, limit: int) -> Iterator[list[dict[str, Any]]]:
    cursor = None
    while True:
        answer = house.ask("GET", "/api/nbhds", params={"limit": limit, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        yield answer.json()
        cursor = answer.headers.get("X-Next-Cursor")
        assert ("Link" in answer.headers) == (cursor is not None)
        if cursor is None:
            return


@pytest.mark.parametrize("equal", [False, True])
@pytest.mark.parametrize("shards", [1, 8])
def test_the_list_is_read_page_by_page_without_gap_or_repetition(nbhd_house, shards, equal):
    house = nbhd_house(nbhd_list_shards=shards)
    made = fill(house, times(250, equal=equal), shards=shards)

    with house.counted() as requests:
        found = list(pages(house, 100))

    assert [len(page) for page in found] == [100, 100, 50]
    listed = [each for page in found for each in page]
    assert {each["id"] for each in listed} == set(made)
    assert len(listed) == 250
    assert all(one["created_at"] >= next_one["created_at"] for one, next_one in pairwise(listed))
    assert requests == {"Query": 3 * shards}


def test_a_full_last_page_has_no_cursor(nbhd_house):
    house = nbhd_house()
    fill(house, times(20))

    assert [len(page) for page in pages(house, 10)] == [10, 10]


def test_paging_goes_on_when_its_last_item_was_deleted(nbhd_house):
    house = nbhd_house()
    made = [house.create("alice", f"Number {number}") for number in range(3) if not house.clock.forward(seconds=1)]
    first = house.ask("GET", "/api/nbhds", params={"limit": 1})
    assert first.json()[0]["id"] == made[2]["id"]
    assert house.ask("DELETE", f"/api/nbhds/{made[2]['id']}", by="alice").status_code == 204

    second = house.ask("GET", "/api/nbhds", params={"limit": 1, "last_key": first.headers["X-Next-Cursor"]})

    assert [each["id"] for each in second.json()] == [made[1]["id"]]


def test_resharding_moves_everything_while_readers_see_all_of_it(nbhd_house):
    before = nbhd_house()
    made = set(fill(before, times(40)))
    house = nbhd_house(names=before.names, nbhd_list_shards=4, nbhd_list_unsharded=True)
    made.add(house.create("alice", "New")["id"])
    listed = [each["id"] for page in pages(house, 15) for each in page]
    assert (set(listed), len(listed)) == (made, 41)

    house.scheduled("reshard")
    house.drain()

    after = nbhd_house(names=before.names, nbhd_list_shards=4)
    listed = [each["id"] for page in pages(after, 15) for each in page]
    assert (set(listed), len(listed)) == (made, 41)
    partitions = {item["entity_type"] for item in house.items() if item["SK"] == "METADATA"}
    assert partitions == {f"neighborhood#{number:02d}" for number in range(4)}


def test_a_name_is_looked_up_in_any_spelling(nbhd_house):
    house = nbhd_house()
    made = house.create("alice", "Straße")

    with house.counted() as taken:
        assert house.ask("GET", "/api/nbhds", params={"name": " STRASSE "}).json() == [made]
    with house.counted() as free:
        assert house.ask("GET", "/api/nbhds", params={"name": "Avenue"}).json() == []
    both = house.ask("GET", "/api/nbhds", params={"name": "x", "cursor": "y"})

    assert (taken, free) == ({"GetItem": 2}, {"GetItem": 1})
    assert (both.status_code, both.json()["errors"][0]["field"]) == (422, "cursor")
    assert house.ask("GET", "/api/nbhds", params={"name": "\u202e"}).status_code == 422


def test_a_name_whose_holder_is_gone_counts_as_free(nbhd_house):
    house = nbhd_house()
    made = house.create("alice", "Home")
    house.store.delete(MAIN, {"PK": f"NBHD#{made['id']}", "SK": "METADATA"})

    assert house.ask("GET", "/api/nbhds", params={"name": "home"}).json() == []
    assert house.counted_metrics["NameSentinelInvariant"] == 1


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"limit": "0"}, 422),
        ({"limit": "-1"}, 422),
        ({"limit": "101"}, 422),
        ({"limit": "x"}, 422),
        ({"skip": "0"}, 200),
        ({"skip": "100"}, 422),
    ],
)
def test_limits_are_from_one_to_a_hundred_and_nothing_is_skipped(nbhd_house, params, status):
    assert nbhd_house().ask("GET", "/api/nbhds", params=params).status_code == status


# ---- members -------------------------------------------------------------------------------------------------------


def test_a_large_neighborhood_shows_its_first_members_and_leads_to_the_others(nbhd_house):
    house = nbhd_house()
    made = house.create("alice", "Large")
    house.seed_members(made["id"], [f"member{number:05}" for number in range(5_999)], joined_at=LONG_AGO)

    with house.counted() as requests:
        detail = house.detail(made["id"], by="member05998")
    assert requests == {"BatchGetItem": 1, "Query": 1}
    assert (len(detail["members"]), detail["member_count"], detail["is_member"]) == (100, 6_000, True)
    assert house.detail(made["id"], by="stranger")["is_member"] is False

    found = [member["user_id"] for member in detail["members"]]
    cursor = detail["members_next_cursor"]
    while cursor:
        page = house.ask("GET", f"/api/nbhds/{made['id']}/members", params={"cursor": cursor}).json()
        assert 0 < len(page["members"]) <= 100
        found += [member["user_id"] for member in page["members"]]
        cursor = page["next_cursor"]
    assert (len(found), len(set(found))) == (6_000, 6_000)
    assert found == sorted(found)
    in_detail = house.detail(made["id"], members_limit=5, members_cursor=detail["members_next_cursor"])
    assert [member["user_id"] for member in in_detail["members"]] == found[100:105]


def test_members_of_nothing_are_not_found(nbhd_house):
    answer = nbhd_house().ask("GET", f"/api/nbhds/{uuid.uuid4()}/members")

    assert (answer.status_code, answer.json()["code"]) == (404, "nbhd_not_found")


# ---- neighborhoods of a user ---------------------------------------------------------------------------------------


def join_all(house: NbhdHouse, user: Did, nbhd_ids: list[str], joined: list[str]) -> None:
    house.store.batch_write(
        MAIN, puts=[membership_item(NbhdId(i), user, at) for i, at in zip(nbhd_ids, joined, strict=True)]
    )


def test_my_neighborhoods_are_a_query_and_a_batch_per_page(nbhd_house):
    house = nbhd_house()
    made = fill(house, times(120))
    join_all(house, did("bob"), made, times(120))
    newest_first = made[::-1]

    with house.counted() as first_requests:
        first = house.ask("GET", "/api/users/me/nbhds", by="bob").json()
    with house.counted() as second_requests:
        second = house.ask("GET", "/api/users/me/nbhds", by="bob", params={"cursor": first["next_cursor"]}).json()

    assert first_requests == second_requests == {"Query": 1, "BatchGetItem": 1}
    assert [each["id"] for each in first["neighborhoods"]] == newest_first[:100]
    assert [each["id"] for each in second["neighborhoods"]] == newest_first[100:]
    assert second["next_cursor"] is None
    assert first["neighborhoods"][0].keys() == house.create("alice", "One").keys()


def test_a_neighborhood_that_is_being_deleted_is_no_longer_mine(nbhd_house):
    house = nbhd_house()
    kept, gone = house.create("alice", "Kept"), house.create("alice", "Gone")

    assert house.ask("DELETE", f"/api/nbhds/{gone['id']}", by="alice").status_code == 204

    mine = house.ask("GET", "/api/users/me/nbhds", by="alice").json()
    assert [each["id"] for each in mine["neighborhoods"]] == [kept["id"]]
    assert house.ask("GET", "/api/users/me/nbhds").json()["code"] == "missing_token"
    assert house.ask("GET", "/api/users/me/nbhds", by="nobody").json() == {"neighborhoods": [], "next_cursor": None}


# ---- cursors -------------------------------------------------------------------------------------------------------


def refused(house: NbhdHouse, path: str, **options: Any) -> bool:
    with house.counted() as requests:
        answer = house.ask("GET", path, **options)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor"), answer.text
    return not requests


def test_a_cursor_that_is_not_of_this_list_is_refused_before_any_request(nbhd_house):
    house = nbhd_house()
    made = fill(house, times(3))
    join_all(house, did("bob"), made, times(3))
    join_all(house, did("alice"), made, times(3))
    of_list = house.ask("GET", "/api/nbhds", params={"limit": 1}).headers["X-Next-Cursor"]
    of_bob = house.ask("GET", "/api/users/me/nbhds", by="bob", params={"limit": 1}).json()["next_cursor"]
    of_members = house.ask("GET", f"/api/nbhds/{made[0]}/members", params={"limit": 1}).json()["next_cursor"]
    other_keys = AppSecretInHand({"jwt": {"current": {"kid": "k1", "key": token_key("another")}}})
    other = nbhd_house(names=house.names, secret=other_keys)
    foreign = other.ask("GET", "/api/nbhds", params={"limit": 1}).headers["X-Next-Cursor"]
    other.secret.held["jwt"]["current"]["kid"] = "k9"  # a key that this environment does not know at all
    unknown = other.ask("GET", "/api/nbhds", params={"limit": 1}).headers["X-Next-Cursor"]
    sharded = nbhd_house(names=house.names, nbhd_list_shards=8)

    changed = [_changed(of_list, place) for place in (0, 40, of_list.index(".") + 5)]  # start, position, signature
    cut = [of_list[:-1], of_list[1:], of_list[:20]]
    for cursor in (*changed, *cut, foreign, unknown, of_bob, of_members, "abc", "", ".", "x" * 3_000):
        assert refused(house, "/api/nbhds", params={"cursor": cursor})
    assert refused(house, "/api/users/me/nbhds", by="alice", params={"cursor": of_bob})
    assert refused(house, f"/api/nbhds/{made[1]}/members", params={"cursor": of_members})
    assert refused(house, f"/api/nbhds/{made[1]}", params={"members_cursor": of_members})
    assert refused(sharded, "/api/nbhds", params={"cursor": of_list})


def _changed(text: str, place: int) -> str:
    return f"{text[:place]}{'B' if text[place] == 'A' else 'A'}{text[place + 1 :]}"


def test_a_cursor_is_good_for_a_day(nbhd_house):
    house = nbhd_house()
    fill(house, times(3))
    cursor = house.ask("GET", "/api/nbhds", params={"limit": 1}).headers["X-Next-Cursor"]

    house.clock.forward(hours=23)
    assert house.ask("GET", "/api/nbhds", params={"cursor": cursor}).status_code == 200
    house.clock.forward(hours=2)
    assert refused(house, "/api/nbhds", params={"cursor": cursor})


def test_a_cursor_survives_the_rotation_of_its_key(nbhd_house):
    house = nbhd_house()
    fill(house, times(3))
    cursor = house.ask("GET", "/api/nbhds", params={"limit": 1}).headers["X-Next-Cursor"]

    old = house.secret.held["jwt"]["current"]
    house.secret.held["jwt"] = {"current": {"kid": "k2", "key": token_key("two")}, "previous": [old]}
    assert house.ask("GET", "/api/nbhds", params={"cursor": cursor}).status_code == 200
    house.secret.held["jwt"]["previous"] = []
    assert refused(house, "/api/nbhds", params={"cursor": cursor})
