"""Every access pattern by its name: the requests it takes, and what an operator asks."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.client import Client, Response
from lambda_src.dynamo.schema import AccessPattern
from lambda_src.dynamo.store import Attr, Store
from lambda_src.dynamo.values import Request
from lambda_src.services.nbhd_city import tables
from lambda_src.services.nbhd_city.memberships.repository import MembershipRepository
from lambda_src.services.nbhd_city.models import Identity, NbhdId, Neighborhood, OAuthState
from lambda_src.services.nbhd_city.neighborhoods.repository import NeighborhoodRepository
from lambda_src.services.nbhd_city.profiles.repository import ProfileRepository
from lambda_src.services.nbhd_city.sign_in.repository import SignInRepository, digest
from lambda_src.services.nbhd_city.sign_in.service import SignIn
from lambda_src.services.nbhd_city.tables import MAIN, MEMBERSHIP, NAME, NEIGHBORHOOD, PROFILE
from lambda_src.services.nbhd_city.upkeep import UpkeepRepository
from tests.support.nbhd_city import PlayedCity, did

ALICE, BOB = did("alice"), did("bob")
LATER = "2030-01-01T00:00:00.000000Z"
STATE = OAuthState(digest("state"), "v", "h", "o", "i", LATER, 4_000_000_000)
OTHER = Neighborhood(NbhdId("other"), "Other", ALICE, LATER, LATER, "other")


class Noting:
    """A client that notes which patterns are run."""

    def __init__(self, client: Client) -> None:
        self.patterns: Counter[str] = Counter()
        self._client = client

    def call(self, operation: str, request: Request, pattern: str) -> Response:
        self.patterns[pattern] += 1
        return self._client.call(operation, request, pattern)

    def close(self) -> None:
        self._client.close()


@dataclass(frozen=True)
class Scene:
    """The service over one neighborhood of Alice's."""

    city: PlayedCity
    noted: Noting
    id: NbhdId

    @property
    def store(self) -> Store:
        return self.city.store

    @property
    def neighborhoods(self) -> NeighborhoodRepository:
        return NeighborhoodRepository(self.store, self.city.clock)

    @property
    def memberships(self) -> MembershipRepository:
        return MembershipRepository(self.store, self.city.clock)

    @property
    def profiles(self) -> ProfileRepository:
        return ProfileRepository(self.store, self.city.clock)

    @property
    def sign_ins(self) -> SignInRepository:
        return SignInRepository(self.store, lambda: self.city.clock().timestamp())

    @property
    def upkeep(self) -> UpkeepRepository:
        return UpkeepRepository(self.store)

    def now(self) -> Neighborhood:
        """The neighborhood as it is stored, without a request of the service."""
        item = self.city.item(NEIGHBORHOOD.key(id=self.id))
        assert item is not None
        return NEIGHBORHOOD.model(item)


type Ask = Callable[[Scene], object]
type Pattern = AccessPattern[Any]

# In this order: each finds what those before it left.
PATTERNS: Mapping[Pattern, tuple[Ask, Mapping[str, int]]] = {
    tables.NEIGHBORHOOD_BY_ID: (lambda s: s.store.get(tables.NEIGHBORHOOD_BY_ID, id=s.id), {"GetItem": 1}),
    tables.NEIGHBORHOOD_AND_MEMBERSHIP: (
        lambda s: s.store.batch_get(
            tables.NEIGHBORHOOD_AND_MEMBERSHIP,
            [NEIGHBORHOOD.key(id=s.id), MEMBERSHIP.key(neighborhood_id=s.id, user_id=ALICE)],
        ),
        {"BatchGetItem": 1},
    ),
    tables.NEIGHBORHOODS_NEWEST_FIRST: (
        lambda s: (
            s.store.page(tables.NEIGHBORHOODS_NEWEST_FIRST, limit=10, cursor=None, entity_type="neighborhood").items
        ),
        {"Query": 1},
    ),
    tables.HOLDER_OF_NAME: (lambda s: s.store.get(tables.HOLDER_OF_NAME, name_lower="home"), {"GetItem": 1}),
    tables.NEIGHBORHOODS_BY_IDS: (
        lambda s: s.store.batch_get(tables.NEIGHBORHOODS_BY_IDS, [NEIGHBORHOOD.key(id=s.id)]),
        {"BatchGetItem": 1},
    ),
    tables.NEIGHBORHOODS_OF_NAME: (
        lambda s: s.store.rows(tables.NEIGHBORHOODS_OF_NAME, "PK", name_lower="home"),
        {"Query": 1},
    ),
    tables.CREATE_NEIGHBORHOOD: (lambda s: s.neighborhoods.create_neighborhood(OTHER), {"TransactWriteItems": 1}),
    tables.JOIN_NEIGHBORHOOD: (lambda s: s.memberships.join_neighborhood(s.id, BOB), {"TransactWriteItems": 1}),
    tables.MEMBERS_OF_NEIGHBORHOOD: (
        lambda s: s.store.page(tables.MEMBERS_OF_NEIGHBORHOOD, limit=10, cursor=None, neighborhood_id=s.id).items,
        {"Query": 1},
    ),
    tables.MEMBERSHIPS_OF_USER: (
        lambda s: s.store.page(tables.MEMBERSHIPS_OF_USER, limit=10, cursor=None, user_id=BOB).items,
        {"Query": 1},
    ),
    tables.LEAVE_NEIGHBORHOOD: (lambda s: s.memberships.leave_neighborhood(s.id, BOB), {"TransactWriteItems": 1}),
    tables.CREATE_PROFILE: (lambda s: s.profiles.create_profile(ALICE, "alice.example", {"bio": "x"}), {"PutItem": 1}),
    tables.PROFILE_OF_USER: (lambda s: s.store.get(tables.PROFILE_OF_USER, user_id=ALICE), {"GetItem": 1}),
    tables.PROFILES_OF_USERS: (
        lambda s: s.store.batch_get(tables.PROFILES_OF_USERS, [PROFILE.key(user_id=who) for who in (ALICE, BOB)]),
        {"BatchGetItem": 1},
    ),
    tables.UPDATE_PROFILE: (lambda s: s.profiles.update_profile(ALICE, {"bio": ""}), {"UpdateItem": 1}),
    tables.PROBE_TABLE: (lambda s: s.store.get(tables.PROBE_TABLE), {"GetItem": 1}),
    tables.PUT_OAUTH_STATE: (lambda s: s.sign_ins.put_oauth_state(STATE), {"PutItem": 1}),
    tables.CONSUME_OAUTH_STATE: (
        lambda s: s.sign_ins.consume_oauth_state("state", browser_secret="another"),
        {"DeleteItem": 1},
    ),
    tables.PUT_LOGIN_CODE: (
        lambda s: s.sign_ins.put_login_code("code", Identity(ALICE, None), expires_at=4_000_000_000),
        {"PutItem": 1},
    ),
    tables.CONSUME_LOGIN_CODE: (lambda s: s.sign_ins.consume_login_code("code"), {"DeleteItem": 1}),
    tables.COUNT_MEMBERS: (lambda s: s.store.count(tables.COUNT_MEMBERS, neighborhood_id=s.id), {"Query": 1}),
    tables.HOLDERS_OF_NAMES: (
        lambda s: s.store.batch_get(tables.HOLDERS_OF_NAMES, [NAME.key(name_lower="home")]),
        {"BatchGetItem": 1},
    ),
    tables.SET_MEMBER_COUNT: (lambda s: s.upkeep.set_member_count(s.now(), 1), {"UpdateItem": 1}),
    tables.MOVE_TO_PARTITION: (lambda s: s.upkeep.move_to_partition(s.now(), "neighborhood#00"), {"UpdateItem": 1}),
    tables.DESCRIBE_NEIGHBORHOOD: (
        lambda s: s.neighborhoods.describe_neighborhood(s.now(), {"name": "HOME", "description": "x"}),
        {"UpdateItem": 1},
    ),
    tables.RENAME_NEIGHBORHOOD: (
        lambda s: s.neighborhoods.rename_neighborhood(s.now(), "castle", {"name": "Castle", "description": ""}),
        {"TransactWriteItems": 1},
    ),
    tables.DELETE_NEIGHBORHOOD: (lambda s: s.neighborhoods.delete_neighborhood(s.now()), {"TransactWriteItems": 1}),
    tables.PENDING_DELETIONS: (
        lambda s: s.store.items(
            tables.PENDING_DELETIONS, where=Attr("deleted_at").lte(LATER), entity_type="neighborhood_deleting"
        ),
        {"Query": 1},
    ),
    tables.PURGE_MEMBERS: (lambda s: s.upkeep.purge_members(s.id), {"Query": 1, "BatchWriteItem": 1}),
    tables.DROP_NEIGHBORHOOD: (lambda s: s.upkeep.drop_neighborhood(s.id), {"DeleteItem": 1}),
}

ANSWERLESS = {
    tables.PROBE_TABLE, tables.PUT_OAUTH_STATE, tables.CONSUME_OAUTH_STATE, tables.PUT_LOGIN_CODE,
    tables.DROP_NEIGHBORHOOD, tables.DELETE_NEIGHBORHOOD, tables.JOIN_NEIGHBORHOOD,
}  # fmt: skip


@pytest.fixture
def scene(new_city, dynamodb_client) -> Scene:
    noted = Noting(Boto3Client(dynamodb_client))
    city = new_city(engine=noted)
    return Scene(city, noted, city.create("alice", "Home")["id"])


def test_every_pattern_finds_something_in_the_requests_it_states(scene):
    wrong: dict[str, Any] = {}

    for pattern, (ask, expected) in PATTERNS.items():
        scene.noted.patterns.clear()
        with scene.city.counted() as requests:
            answer = ask(scene)
        if (
            requests != Counter(expected)
            or set(scene.noted.patterns) != {pattern.name}
            or not (answer or pattern in ANSWERLESS)
            or str(answer) in {"stale", "name lost"}
        ):
            wrong[pattern.name] = (answer, requests, scene.noted.patterns)

    assert wrong == {}
    assert [item["PK"] for item in scene.city.items() if "Home" in str(item.get("name"))] == []


def test_no_pattern_is_left_out():
    assert set(PATTERNS) == set(MAIN.patterns)


def test_support_finds_who_carries_a_name(scene):
    def carriers(name: str) -> list[str]:
        return [row["PK"] for row in scene.store.rows(tables.NEIGHBORHOODS_OF_NAME, "PK", name_lower=name)]

    assert carriers("home") == [f"NBHD#{scene.id}"]
    assert carriers("castle") == []


def test_items_are_in_the_indexes_they_are_declared_in_and_in_no_other(new_city):
    city = new_city()
    made = city.create("alice", "Home")
    city.ask("POST", "/api/users/me/profile", by="alice", json={})
    city.part(SignIn).sign_ins.put_login_code("code", Identity(ALICE, "a"), expires_at=1)

    def keys_of(index: str, partition: str, value: str) -> list[str]:
        answer = city.client.query(
            TableName=city.names["main"],
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
    assert city.ask("DELETE", f"/api/nbhds/{made['id']}", by="alice").status_code == 204
    assert keys_of("GSI1", "entity_type", "neighborhood") == keys_of("GSI2", "name_lower", "home") == []
    assert keys_of("GSI1", "entity_type", "neighborhood_deleting") == ["METADATA"]
