"""A service that was migrated answers like one that was filled through its API, and goes on like it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

import pytest

from lambda_src.migration.mappings.nbhd_city.mapping import nbhd_id_of
from lambda_src.services.nbhd_city.tables import TABLES
from tests.support.migration.nbhd_city_rows import SqlRow, write_export
from tests.support.migration.operator import Operator
from tests.support.nbhd_city import PlayedCity, did
from tests.support.played import NOON, TestClock

CURSOR = re.compile(r'(next_cursor": )"[^"]+"')


@dataclass
class History:
    """What people did, told to the API, and written down as SQL would have kept it. Every step is a minute."""

    city: PlayedCity
    clock: TestClock
    neighborhoods: dict[int, SqlRow] = field(default_factory=dict)
    memberships: dict[tuple[str, int], SqlRow] = field(default_factory=dict)
    ids: dict[int, str] = field(default_factory=dict)
    """The id in the API by the id in SQL."""
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def now(self):
        self.clock.forward(minutes=1)
        return self.clock.now.isoformat(" ")

    def create(self, who, name, description=None):
        now, number = self.now(), next(self.numbers)
        body = self.city.create(who, name, description=description)
        self.ids[number] = body["id"]
        row = {"id": number, "name": name, "description": description, "created_by": did(who)}
        self.neighborhoods[number] = {**row, "created_at": now, "updated_at": None}
        self._join(who, number, now)
        return number

    def join(self, who, number):
        now = self.now()
        assert self.city.join(who, self.ids[number]).status_code == 201
        self._join(who, number, now)

    def leave(self, who, number):
        self.now()
        assert self.city.leave(who, self.ids[number]).status_code == 204
        del self.memberships[who, number]

    def change(self, who, number, **fields):
        now = self.now()
        answer = self.city.ask("PATCH", f"/api/nbhds/{self.ids[number]}", by=who, json=fields)
        assert answer.status_code == 200, answer.text
        self.neighborhoods[number] |= {**fields, "updated_at": now}

    def delete(self, who, number):
        self.now()
        assert self.city.ask("DELETE", f"/api/nbhds/{self.ids[number]}", by=who).status_code == 204
        self.city.drain()
        del self.neighborhoods[number]
        self.memberships = {key: row for key, row in self.memberships.items() if key[1] != number}

    def _join(self, who, number, now):
        row = {"id": next(self.numbers), "user_id": did(who), "neighborhood_id": number, "joined_at": now}
        self.memberships[who, number] = row


@pytest.fixture
def shards():
    return 1


@pytest.fixture
def pair(new_city, make_tables, dynamodb_endpoint, tmp_path, shards):
    """The city that lived through it, one over a table into which its SQL rows were migrated, and the history."""
    clock = TestClock(NOON - timedelta(days=1))
    lived = new_city(clock=clock, nbhd_list_shards=shards)
    history = History(lived, clock)
    people = [f"user{n:03}" for n in range(30)]
    for n in range(24):
        history.create(people[n % 3], f"  Place  {n}" if n % 2 else f"Straße {n}", "About it \n" if n % 3 else None)
    for who in people[3:]:
        history.join(who, 1)
    for number in list(history.neighborhoods)[:4]:
        history.join("zoe", number)
    history.leave("user000", 1)
    history.leave("zoe", list(history.neighborhoods)[2])
    history.change("user000", 1, name="Straße nought")
    history.change("user001", list(history.neighborhoods)[1], description="Told anew")
    history.delete("user002", list(history.neighborhoods)[2])
    names = make_tables(TABLES)
    write_export(tmp_path, history.neighborhoods.values(), history.memberships.values())
    operator = Operator("nbhd_city", "", dynamodb_endpoint, names, tmp_path / "kept")
    for phase in ("copy", "verify"):
        assert operator.does(phase, f"--in={tmp_path}", f"--list-shards={shards}").code == 0
    migrated = new_city(names=names, clock=TestClock(clock.now), nbhd_list_shards=shards)
    return lived, migrated, history


def told(answer, ids):
    """What an answer says, with ids as in SQL; what differs between any two answers is left out."""
    text = CURSOR.sub(r'\1"..."', json.dumps(answer.json(), sort_keys=True))
    for number, known in ids.items():
        text = text.replace(known, f"<{number}>")
    text = re.sub(r'"request_id": "[^"]*"', '"request_id": ""', text)
    return answer.status_code, json.loads(text), answer.headers.get("x-next-cursor") is not None


def pages(city, path, *, by=None, **params):
    """All pages of a list, in their answers."""
    cursor = None
    while True:
        answer = city.ask("GET", path, by=by, params=params | ({"cursor": cursor} if cursor else {}))
        yield answer
        body = answer.json()
        cursor = answer.headers.get("x-next-cursor") or (body.get("next_cursor") if isinstance(body, dict) else None)
        if cursor is None:
            return


def everything(city, ids):
    """Every answer that a visitor or a user can get by asking."""
    yield from pages(city, "/api/nbhds", limit=10)
    for number in sorted(ids):
        for by in (None, "user000"):
            yield city.ask("GET", f"/api/nbhds/{ids[number]}", by=by, params={"members_limit": 7})
    yield from pages(city, f"/api/nbhds/{ids[1]}/members", limit=9)
    for who in ("user000", "user001", "user003", "zoe", "nobody"):
        yield from pages(city, "/api/users/me/nbhds", by=who, limit=8)


@pytest.mark.parametrize("shards", [1, 4])
def test_every_answer_of_a_migrated_service_is_the_one_it_gave_before(pair):
    lived, migrated, history = pair
    ids_there = {number: nbhd_id_of(number) for number in history.ids}
    before = [told(answer, history.ids) for answer in everything(lived, history.ids)]
    after = [told(answer, ids_there) for answer in everything(migrated, ids_there)]
    assert len(before) > 50
    assert after == before


def test_what_people_do_next_ends_alike_in_both(pair):
    lived, migrated, history = pair
    ids_there = {number: nbhd_id_of(number) for number in history.ids}
    names = [row["name"] for row in history.neighborhoods.values()]

    def go_on(city, ids):
        numbers = sorted(history.neighborhoods)
        first, second, third = (ids[number] for number in numbers[:3])
        yield city.join("user003", first)  # is in it
        yield city.join("newcomer", first)
        yield city.leave("user004", first)
        yield city.leave("user004", first)
        yield city.join("user004", first)
        yield city.leave("user001", second)  # its creator
        yield city.ask("POST", "/api/nbhds", by="newcomer", json={"name": names[4].upper()})  # taken, in any spelling
        yield city.ask("PATCH", f"/api/nbhds/{first}", by="newcomer", json={"name": "Mine now"})
        yield city.ask("PATCH", f"/api/nbhds/{first}", by="user000", json={"name": names[1].strip()})
        yield city.ask("PATCH", f"/api/nbhds/{first}", by="user000", json={"name": "Renamed after"})
        yield city.ask("PATCH", f"/api/nbhds/{second}", by="user001", json={"description": None})
        yield city.ask("DELETE", f"/api/nbhds/{third}", by="newcomer")
        yield city.ask("GET", "/api/nbhds", params={"name": "renamed AFTER"})

    before = [told_or_empty(answer, history.ids) for answer in go_on(lived, history.ids)]
    after = [told_or_empty(answer, ids_there) for answer in go_on(migrated, ids_there)]
    assert [status for status, *_ in before][:10] == [409, 201, 204, 404, 201, 204, 409, 403, 409, 200]
    assert after == before
    first = min(history.neighborhoods)
    for city, ids in ((lived, history.ids), (migrated, ids_there)):
        assert city.ask("DELETE", f"/api/nbhds/{ids[first]}", by="user000").status_code == 204
        city.drain()
        assert city.metadata(ids[first]) is None
        assert city.member_items(ids[first]) == 0
        assert city.create("newcomer", "RENAMED AFTER")["member_count"] == 1
    before = [told(answer, history.ids) for answer in everything(lived, history.ids)]
    after = [told(answer, ids_there) for answer in everything(migrated, ids_there)]
    assert unknown_ids_left_out(after) == unknown_ids_left_out(before)


def told_or_empty(answer, ids):
    return told(answer, ids) if answer.content else (answer.status_code,)


def unknown_ids_left_out(answers):
    """Of what was created since, the id is a matter of chance."""
    return [re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "...", json.dumps(answer)) for answer in answers]
