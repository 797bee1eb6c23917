"""nbhd.city: neighborhoods and memberships, from PostgreSQL.

What SQL told apart by upper and lower case is one name here. SQL's leave never deleted its row, so people who left long
ago are still in `memberships`, cannot be told from members, and come along as members.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Final, Literal
from uuid import NAMESPACE_DNS, uuid5

from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.sizes import item_size_bytes
from lambda_src.dynamo.values import Item
from lambda_src.errors import InvalidKey
from lambda_src.migration.instants import instant
from lambda_src.migration.limits import characters
from lambda_src.migration.mapping import (
    Column,
    Decisions,
    Parent,
    Reject,
    Restored,
    Row,
    Scalar,
    ServiceMapping,
    SourceTable,
    Stream,
    Unique,
    Warn,
)
from lambda_src.services.nbhd_city.bodies import MAX_DESCRIPTION, description_of_any_length
from lambda_src.services.nbhd_city.errors import InvalidText
from lambda_src.services.nbhd_city.models import (
    MAX_DID_CHARACTERS,
    Did,
    Membership,
    NameClaim,
    NbhdId,
    Neighborhood,
    is_did,
    timestamp,
)
from lambda_src.services.nbhd_city.neighborhoods.rules import (
    display_name,
    fold_name,
    list_partition,
    without_marks,
)
from lambda_src.services.nbhd_city.tables import MAIN, MEMBERSHIP, NAME, NEIGHBORHOOD

OnNameCollision = Literal["fail", "suffix"]  # no `type`: the command line looks inside

NAME_COLLISION: Final = "name_collision"
_NAMESPACE: Final = uuid5(NAMESPACE_DNS, "nbhd.city")
_NOT_IN_A_USER_ID: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")  # white space, and what Unicode calls Cc
_MAX_ITEM_BYTES: Final = 350 * 1024  # of DynamoDB's 400 KB: leaves room for what is added to a neighborhood later

_NEIGHBORHOODS: Final = """
SELECT h.id, h.nbhd_id, h.name, h.name_lower, h.description, h.created_by, h.created_at, h.updated_at,
  (SELECT COUNT(*) FROM memberships m WHERE m.neighborhood_id = h.id AND m.reject IS NULL) AS member_count
FROM neighborhoods h WHERE h.reject IS NULL ORDER BY h.id
"""
_MEMBERSHIPS: Final = """
SELECT id, nbhd_id, user_id, joined_at FROM memberships WHERE reject IS NULL ORDER BY id, neighborhood_id, user_id
"""
_YOUNGER_OF_SAME_NAME: Final = """
SELECT n, id, name FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY name_lower ORDER BY created_at, id) AS place
  FROM neighborhoods WHERE reject IS NULL
) WHERE place > 1 ORDER BY created_at, id
"""


def mapping(*, on_name_collision: OnNameCollision = "fail", list_shards: int = 1) -> ServiceMapping:
    """What becomes of the rows of nbhd.city.

    on_name_collision: of neighborhoods whose names fold to one the oldest keeps it; `fail` rejects the others, and
    nothing can be written until that is settled; `suffix` calls them `name (2)`, `name (3)`... list_shards: of the
    environment, as its `NBHD_LIST_SHARDS`.
    """
    return ServiceMapping(
        service="nbhd_city",
        dialects=("postgresql",),
        sources=(_neighborhoods_table(), _memberships_table()),
        streams=(
            Stream("neighborhoods", _NEIGHBORHOODS, partial(_neighborhood_items, list_shards), source="neighborhoods"),
            Stream("memberships", _MEMBERSHIPS, _membership_items, source="memberships"),
        ),
        tables=(MAIN,),
        state_table=MAIN,
        owns=_owns,
        restore=_restore,
        settle=partial(_settle, _rename if on_name_collision == "suffix" else _reject_name),
        stops_on={NAME_COLLISION: "--on-name-collision suffix"},
        variant=f"on_name_collision={on_name_collision} list_shards={list_shards}",
    )


@lru_cache(maxsize=2**14)  # members of one neighborhood are often near each other
def nbhd_id_of(row_id: int) -> NbhdId:
    """The UUID of the neighborhood with this id in SQL, always the same one."""
    return NbhdId(str(uuid5(_NAMESPACE, f"neighborhood:{row_id}")))


# ---- rows ----------------------------------------------------------------------------------------------------------


def _neighborhoods_table() -> SourceTable:
    return SourceTable(
        "neighborhoods",
        columns=(
            Column("id", "integer", required=True),
            Column("name", limit=characters(100, nul=False), required=True),
            Column("description", limit=characters(nul=False)),
            Column("created_by", limit=characters(255, nul=False), required=True),
            Column("created_at", "datetime", required=True),
            Column("updated_at", "datetime"),
        ),
        key=("id",),
        fields=(
            "id",
            "nbhd_id",
            "name",
            "name_lower",
            "description",
            "created_by",
            "created_at",
            "updated_at",
            "renamed_from",
        ),
        prepare=_prepare_neighborhood,
        found_by=("nbhd_id",),
        unique=(Unique("duplicate_name", ("name",), ("created_at", "id")),),
        rules=(
            # SQL forbids it, files do not; the order names every field, so that rows may come in any
            Unique(
                "duplicate_neighborhood_id",
                ("nbhd_id",),
                ("created_at", "name", "created_by", "updated_at", "description"),
            ),
        ),
    )


def _memberships_table() -> SourceTable:
    return SourceTable(
        "memberships",
        columns=(
            Column("id", "integer", required=True),
            Column("user_id", limit=characters(255, nul=False), required=True),
            Column("neighborhood_id", "integer", required=True),
            Column("joined_at", "datetime", required=True),
        ),
        key=("id",),
        fields=("id", "user_id", "neighborhood_id", "nbhd_id", "joined_at"),
        prepare=_prepare_membership,
        found_by=("nbhd_id", "user_id"),
        rules=(
            Parent("orphan_membership", "neighborhoods", "neighborhood_id"),
            Unique("duplicate_membership", ("nbhd_id", "user_id"), ("joined_at", "id")),
        ),
    )


def _prepare_neighborhood(row: Row, warn: Warn) -> Mapping[str, Scalar]:
    unmarked, marks = without_marks(str(row["name"] or ""))
    name, name_lower = _names(unmarked)
    if marks:
        warn("name_mended", f"Neighborhood {row['id']} is called {name!r}, without {', '.join(marks)}")
    created_at = _time(row, "created_at", warn)
    text = row["description"]
    description = description_of_any_length(text if isinstance(text, str) else None)
    if len(description) > MAX_DESCRIPTION:
        warn("description_too_long", f"Neighborhood {row['id']} keeps a description of {len(description)} characters")
    fields = {
        "id": row["id"],
        "nbhd_id": nbhd_id_of(_integer(row["id"])),
        "name": name,
        "name_lower": name_lower,
        "description": description,
        "created_by": _user_id(row, "created_by", warn),
        "created_at": created_at,
        "updated_at": created_at if row["updated_at"] is None else _time(row, "updated_at", warn),
        "renamed_from": None,
    }
    size_bytes = item_size_bytes(NEIGHBORHOOD.item(_neighborhood({**fields, "member_count": 0}, list_shards=1)))
    if size_bytes > _MAX_ITEM_BYTES:
        raise Reject("item_too_large", f"its item would have {size_bytes:,} bytes", "description")
    return fields


def _prepare_membership(row: Row, warn: Warn) -> Mapping[str, Scalar]:
    if row["neighborhood_id"] is None:
        raise Reject("orphan_membership", "it names no neighborhood", "neighborhood_id")
    user_id = _user_id(row, "user_id", warn)
    nbhd_id = nbhd_id_of(_integer(row["neighborhood_id"]))
    try:
        MEMBERSHIP.key(neighborhood_id=nbhd_id, user_id=user_id)
    except InvalidKey as exc:  # 255 characters can be more bytes than a key holds
        raise Reject("invalid_user_id", exc.detail, "user_id") from exc
    return {
        "id": row["id"],
        "user_id": user_id,
        "neighborhood_id": row["neighborhood_id"],
        "nbhd_id": nbhd_id,
        "joined_at": _time(row, "joined_at", warn),
    }


def _names(name: str) -> tuple[str, str]:
    """The name as it is shown, and its folded form, which has to fit into a key."""
    try:
        shown = display_name(name)
        folded = fold_name(shown)
        NAME.key(name_lower=folded)
    except (InvalidText, InvalidKey) as exc:
        raise Reject("invalid_name", exc.detail, "name") from exc
    return shown, folded


def _user_id(row: Row, column: str, warn: Warn) -> Did:
    text = str(row[column] or "")
    if not text or len(text) > MAX_DID_CHARACTERS:
        raise Reject("invalid_user_id", f"it has {len(text)} characters, not 1 to {MAX_DID_CHARACTERS}", column)
    if _NOT_IN_A_USER_ID.search(text):
        raise Reject("invalid_user_id", "it contains white space or control characters", column)
    if not is_did(text):
        warn("user_id_is_no_did", f"{column} is kept although it is no DID: {text}")
    return Did(text)


def _time(row: Row, column: str, warn: Warn) -> str:
    text = row[column]
    if text is None:
        raise Reject("invalid_timestamp", "it is missing", column)
    try:
        moment, has_offset = instant(str(text))
    except ValueError as exc:
        raise Reject("invalid_timestamp", str(exc), column) from exc
    if not has_offset:
        warn("timestamp_without_offset", f"{column} names no offset and was read as UTC: {text}")
    return timestamp(moment)


def _integer(value: Scalar) -> int:
    assert isinstance(value, int)
    return value


# ---- what needs all rows -------------------------------------------------------------------------------------------


def _settle(settle_name: Callable[[Decisions, list[Row]], None], decisions: Decisions) -> None:
    """After the rules of both tables: members of a neighborhood whose name is not settled yet are no orphans."""
    settle_name(decisions, list(decisions.rows(_YOUNGER_OF_SAME_NAME)))
    for answer in decisions.rows("SELECT COUNT(*) AS members FROM memberships WHERE reject IS NULL"):
        if answer["members"]:
            decisions.warn(
                "memberships",
                "may_have_left",
                "they all come along as members: SQL kept the rows of people who left, and nothing tells them apart",
                times=_integer(answer["members"]),
            )


def _reject_name(decisions: Decisions, younger: list[Row]) -> None:
    for row in younger:
        reject = Reject(NAME_COLLISION, "an older neighborhood has this name in another spelling", "name")
        decisions.reject("neighborhoods", _integer(row["n"]), reject)


def _rename(decisions: Decisions, younger: list[Row]) -> None:
    # Only names that end like these can be in the way of `name (2)`.
    ending = "SELECT name_lower FROM neighborhoods WHERE reject IS NULL AND name_lower LIKE '%)'"
    taken = {str(row["name_lower"]) for row in decisions.rows(ending)}
    for row in younger:
        before = str(row["name"])
        after, folded = _free_name(before, taken)
        taken.add(folded)
        changed = {"name": after, "name_lower": folded, "renamed_from": before}
        decisions.change("neighborhoods", _integer(row["n"]), changed)
        decisions.warn(
            "neighborhoods", "renamed", f"Neighborhood {row['id']} is called {after!r} instead of {before!r}"
        )


def _free_name(name: str, taken: set[str]) -> tuple[str, str]:
    """The first of `name (2)`, `name (3)`... that is free, and its folded form."""
    number = 2
    while (named := _with_suffix(name, f" ({number})"))[1] in taken:
        number += 1
    return named


def _with_suffix(name: str, suffix: str) -> tuple[str, str]:
    """The name with a suffix, cut until both forms fit: 100 characters as shown, 512 bytes when folded."""
    while True:
        try:
            return _names(name + suffix)
        except Reject:
            name = name[:-1]


# ---- items ---------------------------------------------------------------------------------------------------------


def _neighborhood_items(list_shards: int, row: Row) -> Iterator[tuple[Table, Item]]:
    neighborhood = _neighborhood(row, list_shards)
    yield MAIN, NEIGHBORHOOD.item(neighborhood)
    yield MAIN, NAME.item(NameClaim(neighborhood.name_lower, neighborhood.id))


def _neighborhood(row: Row, list_shards: int) -> Neighborhood:
    nbhd_id = NbhdId(str(row["nbhd_id"]))
    member_count = _integer(row["member_count"])
    return Neighborhood(
        id=nbhd_id,
        name=str(row["name"]),
        name_lower=str(row["name_lower"]),
        description=str(row["description"]),
        created_by=Did(str(row["created_by"])),
        created_at=str(row["created_at"]),
        updated_at=str(row["updated_at"]),
        member_count=member_count,
        members_rev=member_count,
        entity_type=list_partition(nbhd_id, list_shards),
    )


def _membership_items(row: Row) -> Iterator[tuple[Table, Item]]:
    nbhd_id, user_id = NbhdId(str(row["nbhd_id"])), Did(str(row["user_id"]))
    yield MAIN, MEMBERSHIP.item(Membership(user_id, nbhd_id, str(row["joined_at"])))


# ---- the way back --------------------------------------------------------------------------------------------------


def _owns(_: Table, key: Mapping[str, str]) -> bool:
    """Profiles and sign-ins are not from SQL."""
    return any(entity.has_key(key) for entity in (NEIGHBORHOOD, MEMBERSHIP, NAME))


def _restore(_: Table, item: Item) -> Restored | None:
    if MEMBERSHIP.has_key(item):
        member = MEMBERSHIP.model(item)
        fields: dict[str, Scalar] = {
            "nbhd_id": member.neighborhood_id,
            "user_id": member.user_id,
            "joined_at": member.joined_at,
        }
        return Restored("memberships", fields)
    if not NEIGHBORHOOD.has_key(item):
        return None  # the sentinel repeats its neighborhood
    found = NEIGHBORHOOD.model(item)
    if not found.is_active:
        return None  # deleted, and about to be purged
    fields = {
        "nbhd_id": found.id,
        "name": found.name,
        "name_lower": found.name_lower,
        "description": found.description,
        "created_by": found.created_by,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
    }
    return Restored("neighborhoods", fields)
