"""Pages: the list of neighborhoods, members of one, neighborhoods of a user; and cursors that are not ours."""

import uuid
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from lambda_src.services.nbhd_city.models import Did, Membership, NbhdId, Neighborhood
from lambda_src.services.nbhd_city.neighborhoods.rules import list_partition
from lambda_src.services.nbhd_city.tables import MEMBERSHIP, NEIGHBORHOOD, PURGE_MEMBERS
from tests.support.nbhd_city import PlayedCity, did, token_key
from tests.support.played import HeldSecret

LONG_AGO = "2025-01-01T00:00:00.000000Z"


def times(count: int, *, equal: bool = False) -> list[str]:
    return [LONG_AGO if equal else f"2025-01-01T00:{n // 60:02d}:{n % 60:02d}.000000Z" for n in range(count)]


def fill(city: PlayedCity, created: list[str], *, shards: int = 1) -> list[str]:
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
    city.store.batch_write(PURGE_MEMBERS, puts=[NEIGHBORHOOD.item(each) for each in made])
    return [each.id for each in made]


def pages(city: PlayedCity, limit: int) -> Iterator[list[dict[str, Any]]]:
    cursor = None
    while True:
        answer = city.ask("GET", "/api/nbhds", params={"limit": limit, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        yield answer.json()
        cursor = answer.headers.get("X-Next-Cursor")
        assert ("Link" in answer.headers) == (cursor is not None)
        if cursor is None:
            return


@pytest.mark.parametrize("equal", [False, True])
@pytest.mark.parametrize("shards", [1, 8])
def test_the_list_is_read_page_by_page_without_gap_or_repetition(new_city, shards, equal):
    city = new_city(nbhd_list_shards=shards)
    made = fill(city, times(250, equal=equal), shards=shards)

    with city.counted() as requests:
        found = list(pages(city, 100))

    assert [len(page) for page in found] == [100, 100, 50]
    listed = [each for page in found for each in page]
    assert {each["id"] for each in listed} == set(made)
    assert len(listed) == 250
    assert all(one["created_at"] >= next_one["created_at"] for one, next_one in pairwise(listed))
    assert requests == {"Query": 3 * shards}


def test_a_full_last_page_has_no_cursor(new_city):
    city = new_city()
    fill(city, times(20))

    assert [len(page) for page in pages(city, 10)] == [10, 10]


def test_paging_goes_on_when_its_last_item_was_deleted(new_city):
    city = new_city()
    made = [city.create("alice", f"Number {number}") for number in range(3) if not city.clock.forward(seconds=1)]
    first = city.ask("GET", "/api/nbhds", params={"limit": 1})
    assert first.json()[0]["id"] == made[2]["id"]
    assert city.ask("DELETE", f"/api/nbhds/{made[2]['id']}", by="alice").status_code == 204

    second = city.ask("GET", "/api/nbhds", params={"limit": 1, "last_key": first.headers["X-Next-Cursor"]})

    assert [each["id"] for each in second.json()] == [made[1]["id"]]


def test_resharding_moves_everything_while_readers_see_all_of_it(new_city):
    before = new_city()
    made = set(fill(before, times(40)))
    city = new_city(names=before.names, nbhd_list_shards=4, nbhd_list_unsharded=True)
    made.add(city.create("alice", "New")["id"])
    listed = [each["id"] for page in pages(city, 15) for each in page]
    assert (set(listed), len(listed)) == (made, 41)

    city.scheduled("reshard")
    city.drain()

    after = new_city(names=before.names, nbhd_list_shards=4)
    listed = [each["id"] for page in pages(after, 15) for each in page]
    assert (set(listed), len(listed)) == (made, 41)
    partitions = {item["entity_type"] for item in city.items() if item["SK"] == "METADATA"}
    assert partitions == {f"neighborhood#{number:02d}" for number in range(4)}


def test_a_name_is_looked_up_in_any_spelling(new_city):
    city = new_city()
    made = city.create("alice", "Straße")

    with city.counted() as taken:
        assert city.ask("GET", "/api/nbhds", params={"name": " STRASSE "}).json() == [made]
    with city.counted() as free:
        assert city.ask("GET", "/api/nbhds", params={"name": "Avenue"}).json() == []
    both = city.ask("GET", "/api/nbhds", params={"name": "x", "cursor": "y"})

    assert (taken, free) == ({"GetItem": 2}, {"GetItem": 1})
    assert (both.status_code, both.json()["errors"][0]["field"]) == (422, "cursor")
    assert city.ask("GET", "/api/nbhds", params={"name": "\u202e"}).status_code == 422


def test_a_name_whose_holder_is_gone_counts_as_free(new_city):
    city = new_city()
    made = city.create("alice", "Home")
    city.remove(NEIGHBORHOOD.key(id=made["id"]))

    assert city.ask("GET", "/api/nbhds", params={"name": "home"}).json() == []
    assert city.metrics.totals["NameSentinelInvariant"] == 1


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
def test_limits_are_from_one_to_a_hundred_and_nothing_is_skipped(new_city, params, status):
    assert new_city().ask("GET", "/api/nbhds", params=params).status_code == status


# ---- members -------------------------------------------------------------------------------------------------------


def test_a_large_neighborhood_shows_its_first_members_and_leads_to_the_others(new_city):
    members = 600
    city = new_city()
    made = city.create("alice", "Large")
    city.seed_members(made["id"], [f"member{number:05}" for number in range(members - 1)], joined_at=LONG_AGO)

    with city.counted() as requests:
        detail = city.detail(made["id"], by=f"member{members - 2:05}")
    assert requests == {"BatchGetItem": 1, "Query": 1}
    assert (len(detail["members"]), detail["member_count"], detail["is_member"]) == (100, members, True)
    assert city.detail(made["id"], by="stranger")["is_member"] is False

    found = [member["user_id"] for member in detail["members"]]
    cursor = detail["members_next_cursor"]
    while cursor:
        page = city.ask("GET", f"/api/nbhds/{made['id']}/members", params={"cursor": cursor}).json()
        assert 0 < len(page["members"]) <= 100
        found += [member["user_id"] for member in page["members"]]
        cursor = page["next_cursor"]
    assert (len(found), len(set(found))) == (members, members)
    assert found == sorted(found)
    in_detail = city.detail(made["id"], members_limit=5, members_cursor=detail["members_next_cursor"])
    assert [member["user_id"] for member in in_detail["members"]] == found[100:105]


def test_members_of_nothing_are_not_found(new_city):
    answer = new_city().ask("GET", f"/api/nbhds/{uuid.uuid4()}/members")

    assert (answer.status_code, answer.json()["code"]) == (404, "nbhd_not_found")


# ---- neighborhoods of a user ---------------------------------------------------------------------------------------


def join_all(city: PlayedCity, user: Did, nbhd_ids: list[str], joined: list[str]) -> None:
    city.store.batch_write(
        PURGE_MEMBERS,
        puts=[MEMBERSHIP.item(Membership(user, NbhdId(i), at)) for i, at in zip(nbhd_ids, joined, strict=True)],
    )


def test_my_neighborhoods_are_a_query_and_a_batch_per_page(new_city):
    city = new_city()
    made = fill(city, times(120))
    join_all(city, did("bob"), made, times(120))
    newest_first = made[::-1]

    with city.counted() as first_requests:
        first = city.ask("GET", "/api/users/me/nbhds", by="bob").json()
    with city.counted() as second_requests:
        second = city.ask("GET", "/api/users/me/nbhds", by="bob", params={"cursor": first["next_cursor"]}).json()

    assert first_requests == second_requests == {"Query": 1, "BatchGetItem": 1}
    assert [each["id"] for each in first["neighborhoods"]] == newest_first[:100]
    assert [each["id"] for each in second["neighborhoods"]] == newest_first[100:]
    assert second["next_cursor"] is None
    assert first["neighborhoods"][0].keys() == city.create("alice", "One").keys()


def test_a_neighborhood_that_is_being_deleted_is_no_longer_mine(new_city):
    city = new_city()
    kept, gone = city.create("alice", "Kept"), city.create("alice", "Gone")

    assert city.ask("DELETE", f"/api/nbhds/{gone['id']}", by="alice").status_code == 204

    mine = city.ask("GET", "/api/users/me/nbhds", by="alice").json()
    assert [each["id"] for each in mine["neighborhoods"]] == [kept["id"]]
    assert city.ask("GET", "/api/users/me/nbhds").json()["code"] == "missing_token"
    assert city.ask("GET", "/api/users/me/nbhds", by="nobody").json() == {"neighborhoods": [], "next_cursor": None}


# ---- cursors -------------------------------------------------------------------------------------------------------


def refused(city: PlayedCity, path: str, **options: Any) -> bool:
    with city.counted() as requests:
        answer = city.ask("GET", path, **options)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor"), answer.text
    return not requests


def test_a_cursor_that_is_not_of_this_list_is_refused_before_any_request(new_city):
    city = new_city()
    made = fill(city, times(3))
    join_all(city, did("bob"), made, times(3))
    join_all(city, did("alice"), made, times(3))
    of_list = city.ask("GET", "/api/nbhds", params={"limit": 1}).headers["X-Next-Cursor"]
    of_bob = city.ask("GET", "/api/users/me/nbhds", by="bob", params={"limit": 1}).json()["next_cursor"]
    of_members = city.ask("GET", f"/api/nbhds/{made[0]}/members", params={"limit": 1}).json()["next_cursor"]
    other_keys = HeldSecret({"jwt": {"current": {"kid": "k1", "key": token_key("another")}}})
    other = new_city(names=city.names, secret=other_keys)
    foreign = other.ask("GET", "/api/nbhds", params={"limit": 1}).headers["X-Next-Cursor"]
    other.secret.held["jwt"]["current"]["kid"] = "k9"  # a key that this environment does not know at all
    unknown = other.ask("GET", "/api/nbhds", params={"limit": 1}).headers["X-Next-Cursor"]

    changed = [_changed(of_list, place) for place in (0, 40, of_list.index(".") + 5)]  # start, position, signature
    cut = [of_list[:-1], of_list[1:], of_list[:20]]
    for cursor in (*changed, *cut, foreign, unknown, of_bob, of_members, "abc", "", ".", "x" * 3_000):
        assert refused(city, "/api/nbhds", params={"cursor": cursor})
    assert refused(city, "/api/users/me/nbhds", by="alice", params={"cursor": of_bob})
    assert refused(city, f"/api/nbhds/{made[1]}/members", params={"cursor": of_members})
    assert refused(city, f"/api/nbhds/{made[1]}", params={"members_cursor": of_members})


def test_a_cursor_is_a_position_and_outlives_a_change_of_the_number_of_shards(new_city):
    city = new_city()
    made = fill(city, times(4))[::-1]
    cursor = city.ask("GET", "/api/nbhds", params={"limit": 1}).headers["X-Next-Cursor"]

    sharded = new_city(names=city.names, secret=city.secret, nbhd_list_shards=8, nbhd_list_unsharded=True)
    with sharded.counted() as requests:
        answer = sharded.ask("GET", "/api/nbhds", params={"limit": 2, "cursor": cursor})
    assert [each["id"] for each in answer.json()] == made[1:3]
    assert requests == {"Query": 9}
    back = city.ask("GET", "/api/nbhds", params={"cursor": answer.headers["X-Next-Cursor"]})
    assert [each["id"] for each in back.json()] == made[3:]


def _changed(text: str, place: int) -> str:
    return f"{text[:place]}{'B' if text[place] == 'A' else 'A'}{text[place + 1 :]}"


def test_a_cursor_is_good_for_a_day(new_city):
    city = new_city()
    fill(city, times(3))
    cursor = city.ask("GET", "/api/nbhds", params={"limit": 1}).headers["X-Next-Cursor"]

    city.clock.forward(hours=23)
    assert city.ask("GET", "/api/nbhds", params={"cursor": cursor}).status_code == 200
    city.clock.forward(hours=2)
    assert refused(city, "/api/nbhds", params={"cursor": cursor})


def test_a_cursor_survives_the_rotation_of_its_key(new_city):
    city = new_city()
    fill(city, times(3))
    cursor = city.ask("GET", "/api/nbhds", params={"limit": 1}).headers["X-Next-Cursor"]

    old = city.secret.held["jwt"]["current"]
    city.secret.held["jwt"] = {"current": {"kid": "k2", "key": token_key("two")}, "previous": [old]}
    assert city.ask("GET", "/api/nbhds", params={"cursor": cursor}).status_code == 200
    city.secret.held["jwt"]["previous"] = []
    assert refused(city, "/api/nbhds", params={"cursor": cursor})
