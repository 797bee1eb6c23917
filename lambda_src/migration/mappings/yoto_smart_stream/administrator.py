"""An administrator who can sign in, before anything is copied: so that nobody is locked out by what comes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, Literal

from lambda_src.dynamo.errors import TransactionCancelled
from lambda_src.dynamo.store import ABSENT, Action, Attr, Put, Store, Update, UpdateItem
from lambda_src.migration.errors import MigrationError
from lambda_src.migration.mappings.yoto_smart_stream.cloud import BOOTSTRAP_ADMIN, Secret
from lambda_src.migration.mappings.yoto_smart_stream.rows import NoKeys
from lambda_src.migration.phases.job import Job
from lambda_src.runtime.accounts.passwords import NO_PASSWORD, Passwords
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.models import AdminGuard, UserIdClaim, UserRecord, timestamp
from lambda_src.services.yoto_smart_stream.names import valid_username

type Ensured = Literal["is there", "made", "can sign in now", "not needed"]

_STEPS: Final = (1, 10, 100, 1_000, 10_000, 100_000)  # further on each time an id turns out to be taken


def prepare(job: Job) -> Mapping[str, object]:
    """What `init` does for this service: an administrator, unless there is one or the migration has begun."""
    if job.journal.read() is not None:
        return {"administrator": "the migration has begun: who is there stays"}
    secret = Secret.read(BOOTSTRAP_ADMIN, job.environment).members
    username, password = secret.get("username"), secret.get("password")
    if not (isinstance(username, str) and isinstance(password, str) and username and password):
        raise MigrationError("Secret BootstrapAdmin has no username and password")
    done = ensure_admin_user(job.place.store, valid_username(username), Passwords(NoKeys()).hash(password))
    return {"administrator": f"{username}: {done}"}


def ensure_admin_user(store: Store, username: str, hashed_password: str) -> Ensured:
    """See to an administrator who can sign in with this password, where nobody else can administrate.

    Raises MigrationError when somebody else does the same at this moment. 2 requests, 4 where it writes.
    """
    user = store.get(tables.USER_BY_NAME, username_key=username.lower())
    guard = store.get(tables.ACTIVE_ADMINS) or AdminGuard()
    if user is not None and user.counts_as_admin:
        return "is there"
    if guard.active_admins and (user is None or user.hashed_password != NO_PASSWORD):
        return "not needed"
    try:
        if user is not None:
            _let_in(store, user, hashed_password, is_first=not guard.active_admins)
            return "can sign in now"
        _make(store, username, hashed_password)
    except TransactionCancelled as exc:
        raise MigrationError(f"{username} changed at this moment: run `init` again") from exc
    return "made"


def _let_in(store: Store, seen: UserRecord, hashed_password: str, *, is_first: bool) -> None:
    """Set the password; the first administrator is also made one, whatever the account was."""
    changes: dict[str, object] = {"hashed_password": hashed_password, "must_change_password": True}
    if is_first:
        changes |= {"is_admin": True, "is_active": True}
    after = replace(seen, **changes)  # type: ignore[arg-type] # of the types of their fields
    update = Update().set(
        **changes,
        version=seen.version + 1,
        token_version=seen.token_version + 1,
        updated_at=timestamp(datetime.now(UTC)),
    )
    actions: list[Action] = [
        UpdateItem(tables.USER.key(username_key=seen.username_key), update, Attr("version").eq(seen.version))
    ]
    if after.counts_as_admin:
        actions.append(_one_more())
    store.transact(tables.RECOUNT_ADMINS, actions)


def _make(store: Store, username: str, hashed_password: str) -> None:
    for step in _STEPS:
        drawn = store.update(
            tables.NEXT_USER_ID,
            UpdateItem(tables.ID_COUNTER.key(), Update().add(last_id=step).set_if_absent(entity="id_counter")),
            returning="ALL_NEW",
        )
        now = timestamp(datetime.now(UTC))
        user = UserRecord(
            user_id=int(drawn["last_id"]),
            username=username,
            hashed_password=hashed_password,
            is_admin=True,
            must_change_password=True,
            created_at=now,
            updated_at=now,
        )
        actions: list[Action] = [
            Put(tables.USER, user, ABSENT),
            Put(tables.USER_ID_CLAIM, UserIdClaim(user.user_id, user.username_key), ABSENT),
            _one_more(),
        ]
        try:
            store.transact(tables.CREATE_USER, actions)
        except TransactionCancelled as exc:
            if exc.failed(0) or not exc.failed(1):
                raise
            continue
        return
    raise MigrationError("No id is free near the newest one: raise COUNTER#USER by hand, then run `init` again")


def _one_more() -> UpdateItem:
    return UpdateItem(tables.ADMIN_GUARD.key(), Update().add(active_admins=1).set_if_absent(entity="admin_guard"))
