"""Races of nbhd.city in the size a test wants: many users, one name or one neighborhood."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from lambda_src.errors import StoreUnavailable
from lambda_src.services.nbhd_city.errors import AlreadyMember, NotAMember
from lambda_src.services.nbhd_city.memberships.service import MembershipService
from tests.support.nbhd_city import PlayedCity, did

REPEATS_OF_A_BUSY_CALL: Final = 5
_FULL_WIDTH: Final = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}

type Step = Callable[[PlayedCity, str, str, bool], str]
"""A user joins (True) or leaves (False) a neighborhood. Returns `join`, `leave`, `refused` or `busy`."""


def spellings(name: str) -> list[str]:
    """Ways to write a name of letters, digits and `é` that are all the same name."""
    return [name, name.upper(), name.replace("é", "e\u0301").replace(" ", "  "), name.translate(_FULL_WIDTH)]


def race_for_a_name(city: PlayedCity, name: str, *, users: int = 50) -> None:
    """So many users create one name at the same moment, each in a spelling of their own; one of them gets it."""
    written = spellings(name)
    requests = [
        partial(city.ask, "POST", "/api/nbhds", by=f"user{n}", json={"name": written[n % len(written)]})
        for n in range(users)
    ]
    answers = city.all_at_once(*requests, threads=users)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: users - 1}
    [winner] = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    assert {answer.json()["nbhd_id"] for answer in answers if answer.status_code == 409} == {winner}


def join_all(city: PlayedCity, nbhd_id: str, *, users: int, threads: int) -> Counter[int]:
    """Each user joins, again after a 503 as clients do. Returns how many answers there were of each status."""
    statuses: Counter[int] = Counter()
    lock = threading.Lock()

    def join(number: int) -> int:
        for _ in range(REPEATS_OF_A_BUSY_CALL):
            status: int = city.join(f"user{number}", nbhd_id).status_code
            with lock:
                statuses[status] += 1
            if status != 503:
                break
        return status

    with ThreadPoolExecutor(threads) as pool:
        assert Counter(pool.map(join, range(users))) == {201: users}
    return statuses


def come_and_go(city: PlayedCity, nbhd_id: str, step: Step, *, users: int, seconds: float) -> Counter[str]:
    """Every user joins and leaves at random. Returns how many steps ended how; afterwards the count must be right."""
    end = time.monotonic() + seconds

    def steps_of(number: int) -> Iterator[str]:
        chance = random.Random(number)
        while time.monotonic() < end:
            yield step(city, nbhd_id, f"user{number}", chance.random() < 0.5)

    with ThreadPoolExecutor(users) as pool:
        tally = sum(pool.map(lambda number: Counter(steps_of(number)), range(users)), Counter[str]())
    assert city.check_count(nbhd_id) == 1 + tally["join"] - tally["leave"]
    metadata = city.metadata(nbhd_id)
    assert metadata is not None
    assert metadata["members_rev"] == 1 + tally["join"] + tally["leave"]
    return tally


def by_use_case(city: PlayedCity, nbhd_id: str, user: str, joins: bool) -> str:  # noqa: FBT001 -- one of the two
    """A step straight to the service: many threads would queue before the server of the test. Raises other errors."""
    try:
        if joins:
            city.part(MembershipService).join(nbhd_id, did(user))
        else:
            city.part(MembershipService).leave(nbhd_id, did(user))
    except (AlreadyMember, NotAMember):
        return "refused"
    except StoreUnavailable:
        return "busy"
    return "join" if joins else "leave"


def by_request(city: PlayedCity, nbhd_id: str, user: str, joins: bool) -> str:  # noqa: FBT001
    """A step through the API. No other answer is allowed."""
    answer = city.join(user, nbhd_id) if joins else city.leave(user, nbhd_id)
    match answer.status_code, answer.json().get("code") if answer.content else None:
        case 201, _:
            return "join"
        case 204, _:
            return "leave"
        case (409, "already_member") | (404, "not_a_member"):
            return "refused"
        case 503, "busy":
            return "busy"
    raise AssertionError(f"{answer.status_code}: {answer.text}")
