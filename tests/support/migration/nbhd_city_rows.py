"""Rows of nbhd.city as its SQL database had them: awkward ones with what becomes of each, and many."""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from lambda_src.migration.drafts import Draft
from lambda_src.migration.mapping import Scalar
from lambda_src.migration.mappings.nbhd_city.mapping import mapping
from lambda_src.migration.source.documents import Manifest, write_documents

CREATED: Final = "2025-01-15 08:30:00.123456+00"
CREATED_TEXT: Final = "2025-01-15T08:30:00.123456Z"
ORPHAN_EVERY: Final = 200  # of many memberships, every 200th belongs to a neighborhood that is gone
SAME_NAME_EVERY: Final = 100  # of many neighborhoods, every 100th has the name of the one before, in upper case
NO_SUCH_NEIGHBORHOOD: Final = 0

type SqlRow = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Awkward:
    """A row and what becomes of it: rejected as `kind`, or kept, with these fields and with a warning of this kind.

    in_sql: PostgreSQL's constraints allow it, so that it may come from there and not only from files.
    """

    row: SqlRow
    kind: str = ""
    fields: Mapping[str, Scalar] = field(default_factory=dict)
    warning: str = ""
    in_sql: bool = True


def neighborhood(number: int, name: str | None, **columns: Scalar) -> SqlRow:
    return {
        "id": number,
        "name": name,
        "description": "A place",
        "created_by": "did:plc:alice",
        "created_at": CREATED,
        "updated_at": None,
    } | columns


def membership(number: int, user: str, of: int | None, joined_at: str | None = CREATED) -> SqlRow:
    return {"id": number, "user_id": user, "neighborhood_id": of, "joined_at": joined_at}


ENGLAND: Final = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


def awkward_neighborhoods() -> Iterator[Awkward]:
    """Every awkward value the columns can hold, with ids from 1."""
    for number, case in enumerate(_awkward_neighborhoods(), start=1):
        yield replace(case, row={**case.row, "id": case.row["id"] or number})


def _awkward_neighborhoods() -> Iterator[Awkward]:
    # names
    yield Awkward(neighborhood(0, "  My \t Neighborhood\u3000"), fields={"name": "My Neighborhood"})
    yield Awkward(neighborhood(0, "Cafe\u0301"), fields={"name": "Caf\u00e9", "name_lower": "caf\u00e9"})
    yield Awkward(neighborhood(0, "Stra\u00dfe"), fields={"name_lower": "strasse"})
    yield Awkward(neighborhood(0, "\uff21\uff22\uff23 \U0001f3d8\ufe0f"), fields={"name_lower": "abc \U0001f3d8"})
    yield Awkward(neighborhood(0, "# 100% _true_"), fields={"name_lower": "# 100% _true_"})
    yield Awkward(neighborhood(0, "x" * 100), fields={"name": "x" * 100})
    yield Awkward(neighborhood(0, ""), kind="invalid_name")
    yield Awkward(neighborhood(0, " \n "), kind="invalid_name")
    yield Awkward(neighborhood(0, None), kind="invalid_name", in_sql=False)
    yield Awkward(neighborhood(0, "y" * 101), kind="invalid_name", in_sql=False)
    yield Awkward(neighborhood(0, "right\u202eleft"), kind="invalid_name")
    yield Awkward(neighborhood(0, "bell\u0007"), kind="invalid_name")
    yield Awkward(neighborhood(0, "\ufdfa" * 100), kind="invalid_name")
    yield Awkward(neighborhood(0, "private\ue000"), kind="invalid_name")
    yield Awkward(neighborhood(0, "\ufeffPasted"), fields={"name": "Pasted"}, warning="name_mended")
    yield Awkward(
        neighborhood(0, "\u202aFrom\u200e a phone\u202c"), fields={"name": "From a phone"}, warning="name_mended"
    )
    yield Awkward(neighborhood(0, "z" * 99 + "\u00ad"), fields={"name": "z" * 99}, warning="name_mended")
    yield Awkward(neighborhood(0, f"Fans of {ENGLAND}"), fields={"name": f"Fans of {ENGLAND}"})
    yield Awkward(neighborhood(0, "Up late \U0001fae9"), fields={"name_lower": "up late \U0001fae9"})
    yield Awkward(neighborhood(0, "\u2060\ufeff"), kind="invalid_name")
    yield Awkward(neighborhood(0, "unassigned\u0378"), kind="invalid_name")
    # descriptions
    yield Awkward(neighborhood(0, "No description", description=None), fields={"description": ""})
    yield Awkward(neighborhood(0, "Composed", description="e\u0301 \n"), fields={"description": "\u00e9"})
    yield Awkward(
        neighborhood(0, "Long", description="d" * 1001),
        fields={"description": "d" * 1001},
        warning="description_too_long",
    )
    yield Awkward(neighborhood(0, "Far too long", description="\U0001f3d8" * 90_000), kind="item_too_large")
    # creators
    yield Awkward(neighborhood(0, "Old account", created_by="alice"), warning="user_id_is_no_did")
    yield Awkward(neighborhood(0, "Nobody", created_by=""), kind="invalid_user_id")
    yield Awkward(neighborhood(0, "Two words", created_by="did:plc:a b"), kind="invalid_user_id")
    yield Awkward(neighborhood(0, "Escape", created_by="did:plc:a\u001b"), kind="invalid_user_id")
    yield Awkward(neighborhood(0, "Endless", created_by="d" * 256), kind="invalid_user_id", in_sql=False)
    # times
    yield Awkward(
        neighborhood(0, "Elsewhere", created_at="2025-01-15 10:30:00.123456+02", updated_at="2025-02-01 00:00:00+00"),
        fields={"created_at": CREATED_TEXT, "updated_at": "2025-02-01T00:00:00.000000Z"},
    )
    yield Awkward(neighborhood(0, "Never changed"), fields={"updated_at": CREATED_TEXT})
    yield Awkward(
        neighborhood(0, "No offset", created_at="2025-01-15T08:30:00.123456"),
        fields={"created_at": CREATED_TEXT},
        warning="timestamp_without_offset",
        in_sql=False,
    )
    yield Awkward(neighborhood(0, "Forever", created_at="infinity"), kind="invalid_timestamp")
    yield Awkward(neighborhood(0, "Changed never", updated_at="-infinity"), kind="invalid_timestamp")
    yield Awkward(neighborhood(0, "Caesar", created_at="0044-03-15 12:00:00+00 BC"), kind="invalid_timestamp")
    yield Awkward(neighborhood(0, "Far away", created_at="10000-01-01 00:00:00+00"), kind="invalid_timestamp")
    yield Awkward(neighborhood(0, "Some time", created_at="yesterday-ish"), kind="invalid_timestamp", in_sql=False)
    yield Awkward(neighborhood(0, "No time", created_at=None), kind="invalid_timestamp", in_sql=False)
    # ids
    yield Awkward(neighborhood(-7, "Below zero"))
    yield Awkward(neighborhood(2_147_483_647, "As far as SERIAL counts"))
    yield Awkward(neighborhood(1, "Same id, younger", created_at="2025-01-16 00:00:00+00"),
                  kind="duplicate_neighborhood_id", in_sql=False)  # fmt: skip


def awkward_memberships() -> Iterator[Awkward]:
    """Members of neighborhood 1, which is kept, and of 7, which is rejected."""
    yield Awkward(membership(1, "did:plc:alice", 1), fields={"joined_at": CREATED_TEXT})
    yield Awkward(membership(2, "did:web:nbhd.city", 1))
    yield Awkward(membership(3, "bob", 1), warning="user_id_is_no_did")
    yield Awkward(membership(4, "did:plc:#50%", 1), warning="user_id_is_no_did")
    yield Awkward(membership(5, "\u00e9" * 255, 1), warning="user_id_is_no_did")
    yield Awkward(membership(6, "\U0001f600" * 255, 1), kind="invalid_user_id")  # 1,020 bytes and the prefix
    yield Awkward(membership(7, "", 1), kind="invalid_user_id")
    yield Awkward(membership(8, "did:plc:new\nline", 1), kind="invalid_user_id")
    yield Awkward(membership(9, "u" * 256, 1), kind="invalid_user_id", in_sql=False)
    yield Awkward(membership(10, "did:plc:carol", NO_SUCH_NEIGHBORHOOD), kind="orphan_membership")
    yield Awkward(membership(11, "did:plc:carol", 7), kind="orphan_membership")
    yield Awkward(membership(12, "did:plc:carol", None), kind="orphan_membership", in_sql=False)
    yield Awkward(membership(13, "did:plc:carol", 1, "infinity"), kind="invalid_timestamp")
    yield Awkward(membership(14, "did:plc:dave", 1, None), kind="invalid_timestamp", in_sql=False)
    later, earlier = "2025-03-02 00:00:00+00", "2025-03-01 00:00:00+00"
    yield Awkward(membership(15, "did:plc:erin", 1, later), kind="duplicate_membership", in_sql=False)
    yield Awkward(membership(17, "did:plc:erin", 1, earlier), kind="duplicate_membership", in_sql=False)
    yield Awkward(membership(16, "did:plc:erin", 1, earlier), fields={"joined_at": "2025-03-01T00:00:00.000000Z"})


def many_rows(neighborhoods: int, memberships: int, *, seed: int = 0) -> Mapping[str, Iterator[SqlRow]]:
    """So many rows of each table, made one by one. Some are awkward: see the constants above."""
    return {
        "neighborhoods": _many_neighborhoods(neighborhoods, random.Random(seed)),
        "memberships": _many_memberships(neighborhoods, memberships, random.Random(seed + 1)),
    }


def _many_neighborhoods(count: int, chance: random.Random) -> Iterator[SqlRow]:
    words = ("Maple", "Riverside", "\u00d6stermalm", "\u795e\u7530", "Sant\u2019Angelo", "Old  Town", "Bel-Air")
    for number in range(1, count + 1):
        same = number % SAME_NAME_EVERY == 0
        name = f"{words[(number - same) % len(words)]} {number - same}"
        yield neighborhood(
            number,
            name.upper().replace(" ", "  ") if same else name,  # Japanese has no upper case
            description=None if chance.random() < 0.1 else "Neighbors who help each other. " * chance.randint(1, 20),
            created_by=f"did:plc:{chance.randrange(10**6):06}",
            created_at=_moment(chance),
            updated_at=None if chance.random() < 0.3 else _moment(chance),
        )


def _many_memberships(neighborhoods: int, count: int, chance: random.Random) -> Iterator[SqlRow]:
    """Two numbers in a row have no common divisor, so no pair of remainders comes twice before their product."""
    users = neighborhoods + 1
    assert count <= neighborhoods * users
    for number in range(1, count + 1):
        of = -number if number % ORPHAN_EVERY == 0 else number % neighborhoods + 1
        yield membership(number, f"did:plc:u{number % users:08}", of, _moment(chance))


def _moment(chance: random.Random) -> str:
    moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(microseconds=chance.randrange(10**6 * 86_400 * 600))
    return f"{moment.replace(tzinfo=None).isoformat(' ', 'microseconds')}+00"


def write_export(folder: Path, neighborhoods: Iterable[SqlRow], memberships: Iterable[SqlRow]) -> Manifest:
    """The files of an export that has these rows."""
    rows = {"neighborhoods": neighborhoods, "memberships": memberships}
    with Draft(folder) as draft:
        return write_documents(draft, mapping(), lambda source: rows[source.name], exported_at=CREATED_TEXT)
