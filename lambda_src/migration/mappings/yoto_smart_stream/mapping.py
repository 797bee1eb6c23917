"""Yoto Smart Stream: accounts, files with their texts, and settings, from the SQLite file of the earlier product.

The deployment has made an administrator before anything is moved, and that one stays: the table need not be empty.
"""

from collections.abc import Iterator
from itertools import count
from typing import Final

from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.values import Item
from lambda_src.migration.instants import instant
from lambda_src.migration.mapping import Decisions, Meeting, Reject, Resident, Row, ServiceMapping
from lambda_src.migration.mappings.yoto_smart_stream import items
from lambda_src.migration.mappings.yoto_smart_stream.rows import (
    AUDIO_FILES,
    INSTANTS,
    INVALID_SETTING,
    MAX_USER_ID,
    SETTINGS,
    UNKNOWN_SETTING,
    USERS,
    source_tables,
)
from lambda_src.migration.mappings.yoto_smart_stream.values import BEGUN
from lambda_src.services.yoto_smart_stream.models import timestamp
from lambda_src.services.yoto_smart_stream.tables import (
    AUDIO,
    EMAIL_CLAIM,
    MAIN,
    SETTING,
    TRANSCRIPT,
    USER,
    USER_ID_CLAIM,
)

KEPT: Final = "kept"
"""The kind of a row whose name is taken by what others wrote, which is kept."""

_NAME, _ID, _EMAIL, _FILE, _SETTING, _OBJECT = "name", "id", "email", "file", "setting", "object"
_MET: Final = (
    (USERS, "username_key", "username", _NAME, "an account of this name is there already, and is kept as it is"),
    (AUDIO_FILES, "filename", "filename", _FILE, "a file of this name is there already, and is kept as it is"),
    (SETTINGS, "key", "key", _SETTING, "this was chosen already, and is kept as it is"),
)


def mapping() -> ServiceMapping:
    """What becomes of the rows of the earlier product."""
    return ServiceMapping(
        service="yoto_smart_stream",
        dialects=("sqlite",),
        sources=source_tables(),
        streams=items.streams(),
        tables=(MAIN,),
        state_table=MAIN,
        owns=items.owns,
        restore=items.restore,
        meeting=Meeting(_residents, _settle),
        added_up=items.added_up(),
        stays_behind=frozenset({KEPT, UNKNOWN_SETTING, INVALID_SETTING}),
        confidential=items.CONFIDENTIAL,
        lists_notes=True,
    )


# ---- what is there ---------------------------------------------------------------------------------------------------


def _residents(_: Table, item: Item, is_ours: bool) -> Iterator[Resident]:  # noqa: FBT001 -- see Meeting
    """Of what others wrote the names, ids and addresses that are taken; of what we wrote where its audio is."""
    if is_ours:
        if AUDIO.has_key(item) and item.get("object_key"):
            where = {"object_key": item["object_key"], "etag": item.get("etag")}
            yield Resident(_OBJECT, AUDIO.model(item).filename, where)
    elif USER.has_key(item):
        yield Resident(_NAME, USER.model(item).username_key)
        yield Resident(_ID, USER.model(item).user_id)
    elif USER_ID_CLAIM.has_key(item):
        yield Resident(_ID, USER_ID_CLAIM.model(item).user_id)
    elif EMAIL_CLAIM.has_key(item):
        yield Resident(_EMAIL, EMAIL_CLAIM.model(item).email_key)
    elif AUDIO.has_key(item):
        yield Resident(_FILE, AUDIO.model(item).filename)
    elif TRANSCRIPT.has_key(item):
        yield Resident(_FILE, TRANSCRIPT.model(item).filename)
    elif SETTING.has_key(item):
        yield Resident(_SETTING, SETTING.model(item).setting_key)


# ---- what needs all rows ---------------------------------------------------------------------------------------------


def _settle(decisions: Decisions, begun_at: str) -> None:
    for table, field, column, kind, reason in _MET:
        for row in _all(decisions, f"SELECT n FROM {table} WHERE reject IS NULL AND {_is_taken(field)}", kind):
            decisions.reject(table, _integer(row["n"]), Reject(KEPT, reason, column))
    _settle_ids(decisions)
    _settle_emails(decisions)
    _settle_instants(decisions, timestamp(instant(begun_at)[0]))
    for row in _all(
        decisions,
        "SELECT f.n, r.fields ->> 'object_key' AS object_key, r.fields ->> 'etag' AS etag FROM audio_files f "
        "JOIN residents r ON r.kind = ? AND r.name = f.filename WHERE f.reject IS NULL",
        _OBJECT,
    ):
        where = {"object_key": row["object_key"], "etag": row["etag"]}
        decisions.change(AUDIO_FILES, _integer(row["n"]), where)


def _settle_ids(decisions: Decisions) -> None:
    """An id that is none, or that somebody has here, becomes the next free one above those of the source."""
    [highest] = _all(decisions, "SELECT COALESCE(MAX(user_id), 0) AS id FROM users")
    taken = {row["name"] for row in _all(decisions, "SELECT name FROM residents WHERE kind = ?", _ID)}
    free = _integer(highest["id"])
    query = (
        "SELECT n, id, username FROM users WHERE reject IS NULL "
        f"AND (user_id IS NULL OR {_is_taken('user_id')}) ORDER BY id"
    )
    for row in _all(decisions, query, _ID):
        free = next(number for number in count(free + 1) if number not in taken)
        if free > MAX_USER_ID:
            decisions.reject(USERS, _integer(row["n"]), Reject("no_free_id", "no id is left above all others", "id"))
            continue
        decisions.change(USERS, _integer(row["n"]), {"user_id": free})
        decisions.warn(USERS, "id_changed", f"User {row['id']}, {row['username']} has the id {free} here")


def _settle_emails(decisions: Decisions) -> None:
    """An address belongs to who has it here, else to the account with the lowest id."""
    query = f"""
    SELECT n, id, username FROM (
      SELECT n, id, username, email_key, ROW_NUMBER() OVER (PARTITION BY email_key ORDER BY id) AS place
      FROM users WHERE reject IS NULL AND email_key IS NOT NULL
    ) WHERE place > 1 OR {_is_taken("email_key")} ORDER BY id
    """
    for row in _all(decisions, query, _EMAIL):
        decisions.change(USERS, _integer(row["n"]), {"email": None, "email_key": None})
        sentence = f"User {row['id']}, {row['username']} is kept without its e-mail address, which another account has"
        decisions.warn(USERS, "email_taken", sentence)


def _settle_instants(decisions: Decisions, begun_at: str) -> None:
    for table, fields in INSTANTS.items():
        for field in fields:
            for row in _all(decisions, f"SELECT n FROM {table} WHERE {field} = ?", BEGUN):
                decisions.change(table, _integer(row["n"]), {field: begun_at})


def _is_taken(field: str) -> str:
    return f"{field} IN (SELECT name FROM residents WHERE kind = ?)"


def _all(decisions: Decisions, query: str, *values: str) -> list[Row]:
    """The answers, all at once: what is asked about is changed then."""
    return list(decisions.rows(query, *values))


def _integer(value: object) -> int:
    assert isinstance(value, int)
    return value
