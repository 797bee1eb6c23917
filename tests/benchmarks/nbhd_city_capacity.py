"""Capacity figures of nbhd.city: what every kind of request takes, and what the worker's tasks take."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import httpx

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.services.nbhd_city.messages import NbhdTask
from lambda_src.services.nbhd_city.models import NbhdId
from lambda_src.services.nbhd_city.tables import TABLES
from tests.benchmarks import comparing, example_neighborhoods
from tests.benchmarks.comparing import Cost, Meter, Question, Section
from tests.benchmarks.example_neighborhoods import (
    CREATOR,
    DESCRIPTION,
    JOINED,
    JOINER,
    LARGE,
    MEDIUM,
    MEMBERS_OF_LARGE,
    MEMBERS_OF_MEDIUM,
    NEIGHBORHOODS,
    PROFILES,
    SIGNER,
)
from tests.benchmarks.reference_neighborhoods import ReferenceNeighborhoods
from tests.support.nbhd_city import PlayedCity, did
from tests.support.played import Sent, TestClock
from tests.support.sign_in import PlayedSignIn, answered

PAGE: Final = 100
SOMEBODY: Final = "somebody"
SOMEBODY_ELSE: Final = "somebodyelse"
REFERENCE_ID: Final = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Scene:
    """The service over the example, what it replaces over the same, and the ids of neighborhoods by name.

    looker: counts members without being metered.
    """

    city: PlayedCity
    sign_in: PlayedSignIn
    reference: ReferenceNeighborhoods
    looker: ReferenceNeighborhoods
    ids: dict[str, str]
    clock: TestClock

    def get(self, path: str, *, by: str | None = None, **params: str | int) -> httpx.Response:
        answer = self.city.ask("GET", path, by=by, params=params)
        answer.raise_for_status()
        return answer

    def done(self, method: str, path: str, *, by: str, body: dict[str, str] | None = None) -> int:
        """Make a change. Returns 1."""
        self.city.ask(method, path, by=by, json=body).raise_for_status()
        return 1


def section(endpoint_url: str) -> Section:
    """Everything that is measured of this service. About 40 s."""
    with _example(endpoint_url) as (scene, meter):
        read, worked, written = (
            [comparing.measure(question, meter) for question in questions(scene)]
            for questions in (reads, work, writes)  # last what leaves items as the plan makes them
        )
    costs = {"Read": read, "Write": written, "Work of the worker": worked}
    figures = {
        "example": {"neighborhoods": NEIGHBORHOODS, "members": MEMBERS_OF_LARGE, "joined": JOINED},
        "requests": comparing.as_data([*read, *written, *worked]),
    }
    return Section("nbhd_city", _text(costs), figures)


@contextmanager
def _example(endpoint_url: str) -> Iterator[tuple[Scene, Meter]]:
    client, names, meter = comparing.empty_tables(endpoint_url, TABLES)
    clock, clock_of_sign_in = TestClock(), TestClock()
    city = PlayedCity(client=client, names=names, clock=clock, engine=meter)
    sign_in = PlayedSignIn(client=client, names=names, engine=meter, clock=clock_of_sign_in)
    try:
        ids = example_neighborhoods.write(city, clock)
        reference, looker = (ReferenceNeighborhoods(each, names["main"]) for each in (meter, Boto3Client(client)))
        scene = Scene(city, sign_in, reference, looker, ids, clock)
        for question in reads(scene):  # what a process does once, it has done
            question.ours()
        sign_in.browser().sign_in(did(SIGNER))
        clock_of_sign_in.forward(minutes=1)  # or the profile would be written as it was, and its index entry not at all
        yield scene, meter
    finally:
        city.stop()
        sign_in.stop()


def reads(scene: Scene) -> list[Question]:
    """Questions that change nothing."""
    get, reference = scene.get, scene.reference
    large, medium = (f"/api/nbhds/{scene.ids[name]}" for name in (LARGE, MEDIUM))
    first = get("/api/nbhds", limit=PAGE)
    second = get("/api/nbhds", limit=PAGE, cursor=first.headers["x-next-cursor"])
    last_page = second.headers["x-next-cursor"]
    more_members = get(large).json()["members_next_cursor"]
    profiles = [did(name) for name in (JOINER, *example_neighborhoods.members(PROFILES - 1))]

    def members(path: str, **options: Any) -> int:
        return len(get(path, **options).json()["members"])

    def batch() -> int:
        answer = scene.city.ask("POST", "/api/users/batch", json={"user_ids": profiles})
        return len(answer.raise_for_status().json())

    return [
        Question(f"list, first {PAGE} of {NEIGHBORHOODS}", lambda: len(get("/api/nbhds").json()), PAGE),
        Question(
            f"list, last {NEIGHBORHOODS - 2 * PAGE} of {NEIGHBORHOODS}",
            lambda: len(get("/api/nbhds", cursor=last_page).json()),
            NEIGHBORHOODS - 2 * PAGE,
        ),
        Question("look-up by name", lambda: len(get("/api/nbhds", name="LARGE  place").json()), 1),
        Question(
            f"detail of a visitor, {PAGE} of {MEMBERS_OF_MEDIUM:,} members",
            lambda: members(medium),
            PAGE,
            lambda: len(reference.detail(scene.ids[MEDIUM])),
            MEMBERS_OF_MEDIUM,
        ),
        Question(
            f"detail of a member, {PAGE} of {MEMBERS_OF_MEDIUM:,} members",
            lambda: members(medium, by=JOINER),
            PAGE,
            lambda: len(reference.detail(scene.ids[MEDIUM])),
            MEMBERS_OF_MEDIUM,
        ),
        Question(
            f"members, second {PAGE} of {MEMBERS_OF_LARGE:,}",
            lambda: members(f"{large}/members", cursor=more_members),
            PAGE,
        ),
        Question(
            f"how many members, {MEMBERS_OF_LARGE:,}",
            lambda: int(get(large, members_limit=0).json()["member_count"]),
            MEMBERS_OF_LARGE,
            lambda: reference.count_members(scene.ids[LARGE]),
        ),
        Question(
            "am I a member",
            lambda: int(get(large, by=JOINER, members_limit=0).json()["is_member"]),
            1,
        ),
        Question(
            f"my neighborhoods, {PAGE} of {JOINED}",
            lambda: len(get("/api/users/me/nbhds", by=JOINER).json()["neighborhoods"]),
            PAGE,
            lambda: len(reference.neighborhoods_of(did(JOINER))),
            JOINED,
        ),
        Question("my profile", lambda: len([get("/api/users/me", by=JOINER)]), 1),
        Question("profile of another", lambda: len([get(f"/api/users/{did(JOINER)}")]), 1),
        Question(f"profiles of {PROFILES} users", batch, PROFILES),
        Question("readiness", lambda: len([get("/health/ready")]), 1),
    ]


def writes(scene: Scene) -> list[Question]:
    """Questions that change something, in an order in which they can be asked."""
    done, reference = scene.done, scene.reference
    nbhd_id = scene.ids["Sample Street 200"]
    path = f"/api/nbhds/{nbhd_id}"
    longer = {"description": f"{DESCRIPTION} Bring a chair."}
    create = {"name": "A New Place", "description": DESCRIPTION}
    bio = DESCRIPTION[:115]
    profile = "/api/users/me/profile"
    return [
        Question(
            "create",
            partial(done, "POST", "/api/nbhds", by=SOMEBODY, body=create),
            1,
            lambda: reference.create(REFERENCE_ID, "Another New Place", DESCRIPTION, did(SOMEBODY)),
        ),
        Question(
            "join",
            partial(done, "POST", f"{path}/join", by=SOMEBODY),
            1,
            lambda: reference.join(nbhd_id, did(SOMEBODY_ELSE)),
        ),
        Question(
            "leave",
            partial(done, "DELETE", f"{path}/leave", by=SOMEBODY),
            1,
            lambda: reference.leave(nbhd_id, did(SOMEBODY_ELSE)),
        ),
        Question("describe", partial(done, "PATCH", path, by=CREATOR, body=longer), 1),
        Question("rename", partial(done, "PATCH", path, by=CREATOR, body={"name": "Elsewhere"}), 1),
        Question("delete", partial(done, "DELETE", path, by=CREATOR), 1),
        Question(
            "create a profile",
            partial(done, "POST", profile, by=SOMEBODY, body={"bio": bio}),
            1,
            lambda: reference.create_profile(did(SOMEBODY_ELSE), "somebodyelse.bsky.social", bio),
        ),
        Question("change a profile", partial(done, "PUT", "/api/users/me", by=SOMEBODY, body={"bio": "Hello"}), 1),
        *sign_in_steps(scene),
    ]


def sign_in_steps(scene: Scene) -> list[Question]:
    """The requests of one sign-in. What the browser does at the authorization server is in the second."""
    browser = scene.sign_in.browser()
    code: dict[str, str] = {}

    def come_back() -> int:
        code.update(answered(browser.choose(did(SIGNER)).callback()))
        return len(code)

    def redeem() -> int:
        scene.sign_in.api.post("/auth/token", json=code).raise_for_status()
        return 1

    return [
        Question("sign in: the button", lambda: len([browser.login()]), 1),
        Question("sign in: the way back", come_back, 1),
        Question("sign in: the token", redeem, 1),
    ]


def work(scene: Scene) -> list[Question]:
    """What the worker does. One large neighborhood waits to be purged, and the message about it was lost."""
    city, medium, large = scene.city, NbhdId(scene.ids[MEDIUM]), NbhdId(scene.ids[LARGE])
    scene.done("DELETE", f"/api/nbhds/{medium}", by=CREATOR)
    city.queue.take()
    scene.clock.forward(minutes=6)
    found: list[Sent] = []

    def sweep() -> int:
        city.scheduled("sweep")
        found.extend(city.queue.take())
        return len(found)

    def purge() -> int:
        before = scene.looker.count_members(medium)
        city.deliver(*found)
        city.drain()
        return before - scene.looker.count_members(medium)

    def recount() -> int:
        city.queue.send(
            city.worker_settings.nbhd_task_queue_url, NbhdTask(task="recount_members", nbhd_id=large).text()
        )
        city.drain()
        return scene.looker.count_members(large)

    def audit() -> int:
        city.scheduled("audit")
        return len(city.queue.take())

    return [
        Question("sweep that finds one to purge", sweep, 1),
        Question(f"purge of {MEMBERS_OF_MEDIUM:,} members", purge, MEMBERS_OF_MEDIUM),
        Question(f"recount of {MEMBERS_OF_LARGE:,} members", recount, MEMBERS_OF_LARGE),
        Question(f"audit of {NEIGHBORHOODS - 1} neighborhoods that finds nothing", audit, 0),
    ]


def _text(costs: dict[str, list[Cost]]) -> str:
    tables = "\n\n".join(comparing.cost_table(part, heading=heading) for heading, part in costs.items())
    return f"""## nbhd.city

The example has {NEIGHBORHOODS} neighborhoods with descriptions of {len(DESCRIPTION)} characters, one of them with
{MEMBERS_OF_LARGE:,} members and one with {MEMBERS_OF_MEDIUM:,}, and a user who is in {JOINED} of them. What is
replaced is the plan that the service began with: it checks, puts and counts one after the other, asks for a user's
neighborhoods one by one, and reads a neighborhood with all its members in one Query; beside the stored number of
members stands what counting them takes.

{tables}

- The plan's detail is one request because it reads all members, up to the megabyte where a Query ends: of the example's
  large neighborhood it sees the first members and not the neighborhood, which it then calls missing.
- A transaction costs twice the units of its writes to the table, and what the plan's requests cost together is less.
  What it buys: two users at once can neither take one name nor count one member twice.
- The list is one Query per page while it has one partition, and one per partition when it is sharded.
- Pages of members and everything that answers whether somebody is in are consistent; the list and `my neighborhoods`
  are not.
- Of a sign-in the figures hold what it asks of the table. It also sends BlueSky's servers six requests, and a seventh
  when it has not read the metadata of the authorization server for ten minutes.
"""
