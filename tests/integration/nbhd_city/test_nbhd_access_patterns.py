"""Every access pattern by its name: the requests its repository method makes, and what an operator asks."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from lambda_src.services.nbhd_city.models import Identity, NbhdId, Neighborhood, OAuthState
from lambda_src.services.nbhd_city.repository import Repository
from lambda_src.services.nbhd_city.tables import MAIN
from tests.support.nbhd_city import NbhdHouse, did
from tests.support.services import public_methods, repository_classes

ALICE, BOB = did("alice"), did("bob")
LATER = "2030-01-01T00:00:00.000000Z"
STATE = OAuthState(
    code_verifier="v", browser_hash="h", return_origin="o", issuer="i", issued_at=LATER, expires_at=4_000_000_000
)

type Ask = Callable[[Repository, Neighborhood], object]

# In this order, over one neighborhood of Alice's: each finds what those before it left.
PATTERNS: Mapping[str, tuple[Ask, Mapping[str, int]]] = {
    "neighborhood_by_id": (lambda r, n: r.neighborhoods.neighborhood_by_id(n.id), {"GetItem": 1}),
    "neighborhood_and_membership": (
        lambda r, n: r.neighborhoods.neighborhood_and_membership(n.id, ALICE),
        {"BatchGetItem": 1},
    ),
    "neighborhoods_newest_first": (
        lambda r, n: r.neighborhoods.neighborhoods_newest_first(n.entity_type, limit=10),
        {"Query": 1},
    ),
    "neighborhood_by_name": (lambda r, n: r.neighborhoods.neighborhood_by_name(n.name_lower), {"GetItem": 2}),
    "neighborhoods_by_ids": (lambda r, n: r.neighborhoods.neighborhoods_by_ids([n.id]), {"BatchGetItem": 1}),
    "neighborhoods_of_name": (lambda r, n: r.neighborhoods.neighborhoods_of_name(n.name_lower), {"Query": 1}),
    "create_neighborhood": (
        lambda r, _: r.neighborhoods.create_neighborhood(
            Neighborhood(NbhdId("other"), "Other", "other", ALICE, LATER, LATER)
        ),
        {"TransactWriteItems": 1},
    ),
    "join_neighborhood": (lambda r, n: r.memberships.join_neighborhood(n.id, BOB), {"TransactWriteItems": 1}),
    "members_of_neighborhood": (lambda r, n: r.memberships.members_of_neighborhood(n.id, limit=10), {"Query": 1}),
    "memberships_of_user": (lambda r, _: r.memberships.memberships_of_user(BOB, limit=10), {"Query": 1}),
    "leave_neighborhood": (lambda r, n: r.memberships.leave_neighborhood(n.id, BOB), {"TransactWriteItems": 1}),
    "create_profile": (lambda r, _: r.profiles.create_profile(ALICE, "alice.example", {"bio": "x"}), {"PutItem": 1}),
    "profile_of_user": (lambda r, _: r.profiles.profile_of_user(ALICE), {"GetItem": 1}),
    "profiles_of_users": (lambda r, _: r.profiles.profiles_of_users([ALICE, BOB]), {"BatchGetItem": 1}),
    "update_profile": (lambda r, _: r.profiles.update_profile(ALICE, {"bio": ""}), {"UpdateItem": 1}),
    "probe_table": (lambda r, _: r.profiles.probe_table(), {"GetItem": 1}),
    "put_oauth_state": (lambda r, _: r.sign_ins.put_oauth_state("state", STATE), {"PutItem": 1}),
    "consume_oauth_state": (
        lambda r, _: r.sign_ins.consume_oauth_state("state", browser_secret="another"),
        {"DeleteItem": 1},
    ),
    "put_login_code": (
        lambda r, _: r.sign_ins.put_login_code("code", Identity(ALICE, None), expires_at=4_000_000_000),
        {"PutItem": 1},
    ),
    "consume_login_code": (lambda r, _: r.sign_ins.consume_login_code("code"), {"DeleteItem": 1}),
    "count_members": (lambda r, n: r.upkeep.count_members(n.id), {"Query": 1}),
    "holders_of_names": (lambda r, n: r.upkeep.holders_of_names([n.name_lower]), {"BatchGetItem": 1}),
    "set_member_count": (lambda r, n: r.upkeep.set_member_count(_read(r, n), 1), {"UpdateItem": 1, "GetItem": 1}),
    "move_to_partition": (
        lambda r, n: r.neighborhoods.move_to_partition(n, "neighborhood#00"),
        {"UpdateItem": 1},
    ),
    "describe_neighborhood": (
        lambda r, n: r.neighborhoods.describe_neighborhood(n, name="HOME", description="x"),
        {"UpdateItem": 1},
    ),
    "rename_neighborhood": (
        lambda r, n: r.neighborhoods.rename_neighborhood(n, name="Castle", name_lower="castle", description=""),
        {"TransactWriteItems": 1},
    ),
    "delete_neighborhood": (
        lambda r, n: r.neighborhoods.delete_neighborhood(_read(r, n)),
        {"TransactWriteItems": 1, "GetItem": 1},
    ),
    "pending_deletions": (lambda r, _: r.upkeep.pending_deletions(deleted_before=LATER), {"Query": 1}),
    "purge_members": (lambda r, n: r.upkeep.purge_members(n.id), {"Query": 1, "BatchWriteItem": 1}),
    "drop_neighborhood": (lambda r, n: r.upkeep.drop_neighborhood(n.id), {"DeleteItem": 1}),
}

ANSWERLESS = {
    "probe_table", "put_oauth_state", "consume_oauth_state", "put_login_code", "drop_neighborhood",
    "delete_neighborhood",
}  # fmt: skip


def _read(repository: Repository, neighborhood: Neighborhood) -> Neighborhood:
    found = repository.neighborhoods.neighborhood_by_id(neighborhood.id)
    assert found is not None
    return found


@pytest.fixture
def scene(nbhd_house) -> tuple[NbhdHouse, Repository, Neighborhood]:
    house = nbhd_house()
    made = house.create("alice", "Home")
    repository = house.surroundings.repository(house.api_settings)
    neighborhood = repository.neighborhoods.neighborhood_by_id(made["id"])
    assert neighborhood is not None
    return house, repository, neighborhood


def test_every_pattern_finds_something_in_the_requests_it_states(scene):
    house, repository, neighborhood = scene
    wrong: dict[str, Any] = {}

    for name, (ask, expected) in PATTERNS.items():
        with house.counted() as requests:
            answer = ask(repository, neighborhood)
        if (
            requests != Counter(expected)
            or not (answer or name in ANSWERLESS)
            or str(answer) in {"overtaken", "name lost"}
        ):
            wrong[name] = (answer, requests)

    assert wrong == {}
    assert [item["PK"] for item in house.items() if "Home" in str(item.get("name"))] == []


def test_no_pattern_is_left_out():
    methods = {name for cls in repository_classes("nbhd_city") for name in public_methods(cls)}

    assert set(PATTERNS) == methods == {pattern.name for pattern in MAIN.patterns}


def test_support_finds_who_carries_a_name(scene):
    _, repository, neighborhood = scene

    assert repository.neighborhoods.neighborhoods_of_name("home") == [neighborhood.id]
    assert repository.neighborhoods.neighborhoods_of_name("castle") == []


def test_items_are_in_the_indexes_they_are_declared_in_and_in_no_other(nbhd_house):
    house = nbhd_house()
    made = house.create("alice", "Home")
    house.ask("POST", "/api/users/me/profile", by="alice", json={})
    house.services.sign_in.sign_in.sign_ins.put_login_code("code", Identity(ALICE, "a"), expires_at=1)

    def keys_of(index: str, partition: str, value: str) -> list[str]:
        answer = house.client.query(
            TableName=house.names["main"],
            IndexName=index,
            KeyConditionExpression="#p = :v",
            ExpressionAttributeNames={"#p": partition},
            ExpressionAttributeValues={":v": {"S": value}},
        )
        return [item["SK"]["S"] for item in answer["Items"]]

    assert keys_of("GSI1", "entity_type", "neighborhood") == ["METADATA"]
    assert keys_of("GSI1", "entity_type", "membership") == []
    assert keys_of("GSI1", "entity_type", "user") == ["PROFILE"]
    assert keys_of("GSI2", "name_lower", "home") == ["METADATA"]
    assert keys_of("GSI3", "user_id", ALICE) == [f"MEMBER#{ALICE}"]
    assert house.ask("DELETE", f"/api/nbhds/{made['id']}", by="alice").status_code == 204
    assert keys_of("GSI1", "entity_type", "neighborhood") == keys_of("GSI2", "name_lower", "home") == []
    assert keys_of("GSI1", "entity_type", "neighborhood_deleting") == ["METADATA"]
