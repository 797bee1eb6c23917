"""nbhd.city used to the full asks of AWS exactly what its deployed roles are granted."""

from collections.abc import Iterator
from typing import Any

import pytest

from cdk_app.local.ministack import MiniStack
from lambda_src.runtime.secrets import Secret
from lambda_src.services.nbhd_city.tables import API, NEIGHBORHOODS_OF_NAME, SUPPORT, TABLES, WORKER
from tests.support.mirrored_queue import MirroredQueue
from tests.support.nbhd_city import PlayedCity, app_secret, did
from tests.support.played import Sent, TestClock
from tests.support.recorded_operations import Recorder, check_asked, check_found
from tests.support.recording import Recording, ToldApart, recording
from tests.support.roles import done_by_lambda, granted_to
from tests.support.sign_in import PlayedSignIn

FUNCTIONS = {API: "ApiFunction", WORKER: "Worker"}
QUEUES = {"nbhd_task_queue_url": "tasks", "nbhd_task_dlq_url": "tasks-dlq"}
SECRETS = {"app_secret_arn": app_secret().held}


class Everything(ToldApart, PlayedCity):
    """The service, with the worker's deliveries told apart from the API's requests."""

    clock: TestClock

    def __init__(self, made: Recording) -> None:
        self.recorder = made.recorder
        self.addresses = made.addresses
        settings: dict[str, Any] = {"nbhd_list_shards": 2, **made.addresses}
        super().__init__(
            client=made.engine,
            engine=made.recorder,
            names=made.tables,
            secret=Secret(made.addresses["app_secret_arn"]),
            queue=MirroredQueue(made.receiver),
            **settings,
        )


@pytest.fixture(scope="module")
def asked(cloud: MiniStack, dynamodb_endpoint: str) -> Iterator[Recorder]:
    """What each role asked for in one run of the scenario."""
    with recording(
        tables=TABLES, queues=QUEUES, secrets=SECRETS, cloud=cloud, dynamodb_endpoint=dynamodb_endpoint
    ) as made:
        city = Everything(made)
        door = PlayedSignIn(client=made.engine, engine=made.recorder, names=made.tables, profile="basic")
        try:
            with made.recorder.acting(API):
                door.browser().sign_in()
                live_in_a_neighborhood(city)
                keep_a_profile(city)
                look_after_it(city)
            with made.recorder.acting(SUPPORT):
                city.store.rows(NEIGHBORHOODS_OF_NAME, "PK", "SK", name_lower="home")
        finally:
            door.stop()
            city.stop()
        yield made.recorder


def live_in_a_neighborhood(city: Everything) -> None:
    """Everything that people do with neighborhoods."""
    assert city.api.get("/health/ready").status_code == 200
    home = city.create("alice", "Home")["id"]
    city.create("alice", "Other")
    assert city.join("bob", home).status_code == 201
    for by, path in (
        (None, "/api/nbhds?limit=1"),
        (None, "/api/nbhds?name=home"),
        (None, f"/api/nbhds/{home}"),
        ("bob", f"/api/nbhds/{home}"),
        (None, f"/api/nbhds/{home}/members"),
        ("bob", "/api/users/me/nbhds"),
    ):
        assert city.ask("GET", path, by=by).status_code == 200, path
    for change in ({"description": "Ours"}, {"name": "Castle"}):
        assert city.ask("PATCH", f"/api/nbhds/{home}", by="alice", json=change).status_code == 200
    assert city.leave("bob", home).status_code == 204
    assert city.ask("DELETE", f"/api/nbhds/{home}", by="alice").status_code == 204


def keep_a_profile(city: Everything) -> None:
    mine = {"display_name": "Al"}
    assert city.ask("POST", "/api/users/me/profile", by="alice", json=mine).status_code == 201
    assert city.ask("PUT", "/api/users/me", by="alice", json=mine).status_code == 200
    assert city.ask("GET", "/api/users/me", by="alice").status_code == 200
    assert city.ask("POST", "/api/users/batch", json={"user_ids": [did("alice")]}).status_code == 200


def look_after_it(city: Everything) -> None:
    """Every task of the worker over a deletion, a wrong count and a forgotten partition; and nonsense."""
    city.queue.take()  # the purge is lost, the sweep has to notice
    wrong = city.create("alice", "Wrong")["id"]
    with city.recorder.acting("test"):
        item = city.metadata(wrong)
        assert item is not None
        city.put_items({**item, "member_count": 7, "entity_type": "neighborhood"})
    city.clock.forward(hours=1)
    for task in ("reshard", "sweep", "audit"):
        city.scheduled(task)
    city.drain()
    assert city.deliver(Sent(city.addresses["nbhd_task_queue_url"], "odd", "not json")) == []
    with city.recorder.acting("test"):
        assert city.check_count(wrong) == 1
        assert [item for item in city.items() if item.get("status") == "deleting"] == []


@pytest.mark.parametrize("role", FUNCTIONS)
def test_a_deployed_role_of_nbhd_city_is_granted_what_its_function_does_and_no_more(asked, deployed, role):
    template = deployed.templates["NbhdCityApp"]
    tables = {table.physical_name(deployed.environment): table.name for table in TABLES}
    allowed = granted_to(template, FUNCTIONS[role], tables=tables)
    used = asked.operations[role] | done_by_lambda(template, FUNCTIONS[role])
    assert used - allowed == set(), f"{role} is refused this"
    assert allowed - used == set(), f"{role} does not need this"


@pytest.mark.parametrize("asker", [API, WORKER, SUPPORT])
def test_nbhd_city_runs_exactly_the_patterns_that_say_who_asks_them(asked, asker):
    check_asked(asked, TABLES, asker)


def test_patterns_of_nbhd_city_find_the_kinds_of_items_they_read(asked):
    check_found(asked, TABLES)
