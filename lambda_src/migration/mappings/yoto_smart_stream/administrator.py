"""An administrator who can sign in, before anything is copied: so that nobody is locked out by what comes."""

from collections.abc import Mapping
from typing import Literal

from lambda_src.errors import Conflict, StoreUnavailable
from lambda_src.migration.errors import MigrationError
from lambda_src.migration.mappings.yoto_smart_stream.cloud import BOOTSTRAP_ADMIN, Secret
from lambda_src.migration.phases.job import Job
from lambda_src.runtime.accounts.passwords import Passwords
from lambda_src.runtime.clock import utc_now
from lambda_src.services.yoto_smart_stream.accounts.repository import UserRepository
from lambda_src.services.yoto_smart_stream.names import valid_username

type Ensured = Literal["is there", "made", "can sign in now", "not needed"]


def prepare(job: Job) -> Mapping[str, object]:
    """What `init` does for this service: an administrator, unless there is one or the migration has begun."""
    if job.journal.read() is not None:
        return {"administrator": "the migration has begun: who is there stays"}
    secret = Secret.read(BOOTSTRAP_ADMIN, job.environment).members
    username, password = secret.get("username"), secret.get("password")
    if not (isinstance(username, str) and isinstance(password, str) and username and password):
        raise MigrationError("Secret BootstrapAdmin has no username and password")
    done = ensure_administrator(UserRepository(job.place.store, utc_now), valid_username(username), password)
    return {"administrator": f"{username}: {done}"}


def ensure_administrator(users: UserRepository, username: str, password: str) -> Ensured:
    """What the service itself does before a first sign-in, and what became of it: see `UserRepository`.

    Raises MigrationError when somebody else does the same at this moment, or no id is free. 1 request where the account
    can administrate; else 2 or 3, and 2 where it writes.
    """
    before = users.get_user(username)
    if before is not None and before.counts_as_admin:
        return "is there"
    try:
        after = users.ensure_admin_user(Passwords.hash(password), username=username)
    except (Conflict, StoreUnavailable) as exc:
        raise MigrationError(f"{username} was not seen to ({exc}): run `init` again") from exc
    if after is None or after == before:
        return "not needed"
    return "made" if before is None else "can sign in now"
