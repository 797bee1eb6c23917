"""secrets: tokens of the Yoto cloud, from the source into a secret. They are in no snapshot, item, report or log."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from lambda_src.migration.errors import DIFFERENCES, DONE, BadUsage, MigrationError, Refused
from lambda_src.migration.instants import instant
from lambda_src.migration.mapping import Row, Scalar
from lambda_src.migration.mappings.yoto_smart_stream.cloud import SECRET_BYTES, YOTO_OAUTH, Secret
from lambda_src.migration.mappings.yoto_smart_stream.mapping import KEPT
from lambda_src.migration.mappings.yoto_smart_stream.rows import ADMIN, USERS
from lambda_src.migration.phases.job import Job
from lambda_src.migration.report import Report
from lambda_src.services.yoto_smart_stream.models import timestamp

ACTIVE: Final = "active"
ARCHIVED: Final = "archived"

_REFRESH, _ACCESS, _EXPIRES = "yoto_refresh_token", "yoto_access_token", "yoto_token_expires_at"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Of one account. username: as it is called here."""

    username: str
    refresh_token: str = field(repr=False)
    access_token: str | None = field(repr=False)
    expires_at: str | None = field(repr=False)

    def entry(self, *, is_whole: bool = True) -> dict[str, Any]:
        """As the secret has it. is_whole: with the access token, which is void after a day in any case."""
        whole = {"access_token": self.access_token, "expires_at": self.expires_at} if is_whole else {}
        return {"refresh_token": self.refresh_token, **{name: value for name, value in whole.items() if value}}


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of the tokens, by number of accounts. active: what is said of the owner's. is_written: anything was.

    left: whose did not fit into the secret.
    """

    active: str
    archived: int
    without_account: int
    is_written: bool
    left: tuple[str, ...] = ()


def secrets_phase(
    job: Job,
    title: str,
    *,
    yoto_owner: Annotated[str, typer.Option(help="The user whose tokens are used; those of others are kept")] = ADMIN,
) -> tuple[Report, int]:
    """Write the tokens of the Yoto cloud into the secret YotoOAuth. Needs a complete copy; may be run again.

    Tokens that are in use there stay as they are.
    """
    moved = move_tokens(job, yoto_owner)
    report = Report(title)
    facts = {
        f"tokens of {yoto_owner}": moved.active,
        "archived, accounts": moved.archived,
        "left in the source, because their row has no account here": moved.without_account,
    }
    report.facts("Tokens", facts)
    text = "Their tokens stay in the source: the secret is full."
    report.table("Left behind", ("User",), [(name,) for name in moved.left], text=text)
    report.verdict = "The secret was written." if moved.is_written else "Nothing differed: no secret was written."
    if moved.left:
        report.verdict += f" {len(moved.left)} accounts did not fit."
    return report, DIFFERENCES if moved.left else DONE


def move_tokens(job: Job, owner: str) -> Moved:
    """The owner's tokens become the active ones, unless there are some; those of all others go under `archived`.

    Raises Refused before a copy is complete, BadUsage for an owner who is none, MigrationError, SourceFailed. Reads the
    source twice, and the secret once; writes it once, where anything differs.
    """
    state = job.journal.read()
    if state is None or state.status in ("copying", "removing"):
        raise Refused("The copy is not complete: run `copy` first, until it is")
    secret = Secret.read(YOTO_OAUTH, job.environment)
    found, without_account = _tokens(job, owner)
    before = secret.text
    active = _activate(secret.members, found.pop(owner.lower(), None))
    left = _archive(secret, found)
    is_written = secret.text != before
    if is_written:
        secret.write()
    return Moved(active, len(found) - len(left), without_account, is_written, left)


def _tokens(job: Job, owner: str) -> tuple[dict[str, Tokens], int]:
    """By name in lower case and in order of ids, of accounts that come along; and of how many rows that do not."""
    with job.fresh_snapshot() as snapshot:
        accounts = {
            row["id"]: str(row["username"])
            for row in snapshot.rows("SELECT id, username FROM users WHERE reject IS NULL")
        }
        accounts |= {
            row["id"]: str(row["username"])
            for row in snapshot.rows("SELECT id, raw ->> 'username' AS username FROM users WHERE reject = ?", KEPT)
        }
    if owner.lower() not in {name.lower() for name in accounts.values()}:
        raise BadUsage(f"--yoto-owner {owner}: no account of the source that came along has this name")
    found: dict[str, Tokens] = {}
    without_account = 0
    for row in _with_tokens(job):
        name = accounts.get(row["id"])
        if name is None:
            without_account += 1
        else:
            found[name.lower()] = Tokens(name, str(row[_REFRESH]), _text(row[_ACCESS]), _expiry(row[_EXPIRES]))
    return found, without_account


def _with_tokens(job: Job) -> Iterator[Row]:
    """Rows of which anything can be done: an access token alone is void after a day."""
    yield from (row for row in job.source.secrets(job.mapping.source(USERS)) if _text(row[_REFRESH]))


def _activate(members: dict[str, Any], owner: Tokens | None) -> str:
    """What is said of the active tokens."""
    active = members.get(ACTIVE)
    if isinstance(active, Mapping) and active.get("refresh_token"):
        if owner is not None and active.get("refresh_token") == owner.refresh_token:
            return "active"
        return "kept: others are active already"
    if owner is None:
        return "the source has none"
    linked_at = timestamp(datetime.now(UTC))
    members[ACTIVE] = {"expires_at": None, **owner.entry(), "linked_at": linked_at, "needs_link": False}
    return "active"


def _archive(secret: Secret, others: Mapping[str, Tokens]) -> tuple[str, ...]:
    """Put tokens under `archived`, beside those of accounts that the source does not have; whose did not fit.

    Where all do not fit, access tokens stay behind first. A token that was replaced in the source is void, and goes.
    """
    before = secret.members.get(ARCHIVED)
    kept = dict(before) if isinstance(before, Mapping) else {}
    for is_whole in (True, False):
        entries = {each.username: each.entry(is_whole=is_whole) for each in others.values()}
        secret.members[ARCHIVED] = {**kept, **entries}
        if len(secret.text.encode()) <= SECRET_BYTES:
            return ()
    secret.members[ARCHIVED] = {name: entry for name, entry in kept.items() if name not in entries}
    room = SECRET_BYTES - len(secret.text.encode())
    if room < 0:
        raise MigrationError("Secret YotoOAuth has no room for the active tokens: take something out of `archived`")
    left = []
    for name, entry in sorted(entries.items(), key=lambda each: each[0] not in kept):  # who has room keeps it
        room -= len(json.dumps({name: entry}).encode())
        if room < 0:
            left.append(name)
        else:
            secret.members[ARCHIVED][name] = entry
    return tuple(left)


def _text(value: Scalar) -> str | None:
    return str(value).strip() or None if value is not None else None


def _expiry(value: Scalar) -> str | None:
    try:
        return timestamp(instant(str(value))[0])
    except ValueError:
        return None
