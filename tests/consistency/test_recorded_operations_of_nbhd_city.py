"""nbhd.city used to the full asks of AWS exactly what its deployed roles are granted."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from cdk_app.local.ministack import MiniStack
from lambda_src.runtime.secrets import Secret
from lambda_src.services.nbhd_city.tables import API_PATTERNS, MAIN, SUPPORT_PATTERNS, TABLES, WORKER_PATTERNS
from tests.support.mirrored_queue import MirroredQueue
from tests.support.nbhd_city import AppSecretInHand, NbhdHouse, did
from tests.support.played import Sent, TestClock
from tests.support.recorded_operations import Operations, granted
from tests.support.recording import Recording, recording
from tests.support.roles import done_by_lambda, granted_to
from tests.support.sign_in import SignInHouse

PATTERNS: Mapping[str, Any] = {"api": API_PATTERNS, "worker": WORKER_PATTERNS}
FUNCTIONS = {"api": "ApiFunction", "worker": "Worker"}
QUEUES = {"nbhd_task_queue_url": "tasks", "nbhd_task_dlq_url": "tasks-dlq"}
SECRETS = {"app_secret_arn": AppSecretInHand().held}


class RealSecret(AppSecretInHand):
    """The application's secret as the function reads it."""

    def __init__(self, arn: str) -> None:
        super().__init__()
        self._real = Secret(arn)

    def section(self, name: str) -> Mapping[str, object]:
        return self._real.section(name)


class Everything(NbhdHouse):
    """The service, with the worker's deliveries told apart from the API's requests."""

    def __init__(self, made: Recording) -> None:
        self.recorder = made.recorder
        self.addresses = made.addresses
        settings: dict[str, Any] = {"nbhd_list_shards": 2, **made.addresses}
        super().__init__(
            client=made.client,
            names=made.tables,
            secret=RealSecret(made.addresses["app_secret_arn"]),
            queue=MirroredQueue(made.receiver),
            clock=TestClock(),
            **settings,
        )
        self.clock: TestClock

    def deliver(self, *messages: Sent, **options: Any) -> list[str]:
        with self.recorder.acting("worker"):
            return super().deliver(*messages, **options)

    def scheduled(self, task: str) -> None:
        with self.recorder.acting("worker"):
            super().scheduled(task)


@pytest.fixture(scope="module")
def asked(cloud: MiniStack, dynamodb_endpoint: str) -> Iterator[Mapping[str, Operations]]:
    """What each role asked for in one run of the scenario."""
    with recording(
        "nbhd_city", tables=TABLES, queues=QUEUES, secrets=SECRETS, cloud=cloud, dynamodb_endpoint=dynamodb_endpoint
    ) as made:
        house, door = Everything(made), SignInHouse(client=made.client, names=made.tables, profile="basic")
        try:
            with made.recorder.acting("api"):
                door.browser().sign_in()
                live_in_a_neighborhood(house)
                keep_a_profile(house)
                look_after_it(house)
            with made.recorder.acting("support"):
                house.surroundings.repository(house.api_settings).neighborhoods.neighborhoods_of_name("home")
        finally:
            door.stop()
            house.stop()
        yield dict(made.recorder.operations)


def live_in_a_neighborhood(house: Everything) -> None:
    """Everything that people do with neighborhoods."""
    assert house.api.get("/health/ready").status_code == 200
    home = house.create("alice", "Home")["id"]
    house.create("alice", "Other")
    assert house.join("bob", home).status_code == 201
    for by, path in (
        (None, "/api/nbhds?limit=1"),
        (None, "/api/nbhds?name=home"),
        (None, f"/api/nbhds/{home}"),
        ("bob", f"/api/nbhds/{home}"),
        (None, f"/api/nbhds/{home}/members"),
        ("bob", "/api/users/me/nbhds"),
    ):
        assert house.ask("GET", path, by=by).status_code == 200, path
    for change in ({"description": "Ours"}, {"name": "Castle"}):
        assert house.ask("PATCH", f"/api/nbhds/{home}", by="alice", json=change).status_code == 200
    assert house.leave("bob", home).status_code == 204
    assert house.ask("DELETE", f"/api/nbhds/{home}", by="alice").status_code == 204


def keep_a_profile(house: Everything) -> None:
    mine = {"display_name": "Al"}
    assert house.ask("POST", "/api/users/me/profile", by="alice", json=mine).status_code == 201
    assert house.ask("PUT", "/api/users/me", by="alice", json=mine).status_code == 200
    assert house.ask("GET", "/api/users/me", by="alice").status_code == 200
    assert house.ask("POST", "/api/users/batch", json={"user_ids": [did("alice")]}).status_code == 200


def look_after_it(house: Everything) -> None:
    """Every task of the worker over a deletion, a wrong count and a forgotten partition; and nonsense."""
    house.queue.take()  # the purge is lost, the sweep has to notice
    wrong = house.create("alice", "Wrong")["id"]
    with house.recorder.acting("test"):
        item = house.metadata(wrong)
        assert item is not None
        house.store.put(MAIN, {**item, "member_count": 7, "entity_type": "neighborhood"})
    house.clock.forward(hours=1)
    for task in ("reshard", "sweep", "audit"):
        house.scheduled(task)
    house.drain()
    assert house.deliver(Sent(house.addresses["nbhd_task_queue_url"], "odd", "not json")) == []
    with house.recorder.acting("test"):
        assert house.check_count(wrong) == 1
        assert [item for item in house.items() if item.get("status") == "deleting"] == []


@pytest.mark.parametrize("role", FUNCTIONS)
def test_a_deployed_role_of_nbhd_city_is_granted_what_its_function_does_and_no_more(asked, deployed, role):
    template = deployed.templates["NbhdCityApp"]
    tables = {table.physical_name(deployed.environment): table.name for table in TABLES}
    allowed = granted_to(template, FUNCTIONS[role], tables=tables)
    used = asked[role] | done_by_lambda(template, FUNCTIONS[role])
    assert used - allowed == set(), f"{role} is refused this"
    assert allowed - used == set(), f"{role} does not need this"


@pytest.mark.parametrize("role", PATTERNS)
def test_nbhd_city_asks_of_its_table_exactly_what_the_access_patterns_say(asked, role):
    of_table = {(place, action) for place, action in asked[role] if action.startswith("dynamodb:")}
    assert of_table == granted(PATTERNS[role])


def test_what_support_asks_of_nbhd_city_is_granted_by_its_patterns(asked):
    assert asked["support"] == granted(SUPPORT_PATTERNS)
