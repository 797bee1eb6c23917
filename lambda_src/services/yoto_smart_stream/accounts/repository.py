"""Writes of accounts, after which name, id and address are each one's own, and one administrator can always sign in.

A user, the claims of id and address, and the guard that counts administrators change in one transaction:

    create   put profile, ∄        put id claim, ∄     put address claim, ∄            guard +1
    change   update, version = v                       delete the old, put the new ∄   guard +1, or -1 if above 1
    delete   delete, version = v   mark the id claim   delete address claim            guard -1 if above 1

An id comes from a counter. Its claim stays for ever, so that no id comes back even where the counter was restored from
a backup: the counter then jumps by 10, 100, ... until it is past those that were used.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from lambda_src.dynamo.errors import ConditionFailed, TransactionCancelled, applied
from lambda_src.dynamo.store import ABSENT, EXISTS, Action, Attr, Condition, Delete, Put, Store, Update, UpdateItem
from lambda_src.errors import Conflict, StoreUnavailable
from lambda_src.runtime.accounts.passwords import NO_PASSWORD
from lambda_src.runtime.clock import Clock
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.errors import EmailTaken, LastAdmin, UsernameTaken, VersionConflict
from lambda_src.services.yoto_smart_stream.models import EmailClaim, UserIdClaim, UserRecord, timestamp
from lambda_src.services.yoto_smart_stream.names import username_key, valid_email, valid_username

MAX_USER_ID: Final = 2**53 - 1  # the largest integer that every JSON reader keeps as it is
_DRAWS: Final = (1, 10, 100, 1_000, 10_000, 100_000)
_TRIES: Final = 3

type Change = Callable[[UserRecord], UserRecord]
"""What a user shall be, from what is stored now; called once per try, and what it raises is the outcome."""


@dataclass(frozen=True, slots=True)
class UserRepository:
    """Accounts by name and id, and all writes of them."""

    store: Store
    clock: Clock

    # ---- reads -------------------------------------------------------------------------------------------------------

    def get_user(self, username: str) -> UserRecord | None:
        """Who has this name, in any case, as stored this instant. 1 request, none for what is no name."""
        key = username_key(username)
        return None if key is None else self.store.get(tables.USER_BY_NAME, username_key=key)

    def get_user_by_id(self, user_id: int) -> UserRecord | None:
        """Who has this id, as stored this instant. 2 requests, 1 for an unknown id, none for what is no id."""
        if not 0 < user_id <= MAX_USER_ID:
            return None
        holder = self.store.get(tables.HOLDER_OF_USER_ID, user_id=user_id)
        if holder is None or holder.deleted_at is not None:
            return None
        return self._same_user(holder.username_key, user_id)

    def _same_user(self, key: str, user_id: int) -> UserRecord | None:
        """The user of this name, unless it is another one by now."""
        found = self.store.get(tables.USER_BY_NAME, username_key=key)
        return found if found is not None and found.user_id == user_id else None

    # ---- new users ---------------------------------------------------------------------------------------------------

    def create_user(
        self,
        username: str,
        hashed_password: str,
        email: str | None = None,
        is_admin: bool = False,  # noqa: FBT001, FBT002 -- the published order of arguments
        *,
        must_change_password: bool = False,
    ) -> UserRecord:
        """Add a user with an id of its own.

        Raises InvalidUsername and InvalidEmail before any request, UsernameTaken, EmailTaken where only the address is
        taken, StoreUnavailable when no free id is found. 2 requests; 2 more for each id that turns out to be used.
        """
        now = timestamp(self.clock())
        drawn = UserRecord(
            user_id=0, username=valid_username(username), email=None if email is None else valid_email(email),
            hashed_password=hashed_password, is_admin=is_admin, must_change_password=must_change_password,
            created_at=now, updated_at=now,
        )  # fmt: skip
        for step in _DRAWS:
            user = replace(drawn, user_id=self._next_id(step))
            if self._is_added(user):
                return user
        raise StoreUnavailable

    def _next_id(self, step: int) -> int:
        draw = UpdateItem(tables.ID_COUNTER.key(), _named("id_counter").add(last_id=step))
        return int(self.store.update(tables.NEXT_USER_ID, draw, returning="UPDATED_NEW")["last_id"])

    def _is_added(self, user: UserRecord) -> bool:
        """False when the id is taken. Raises UsernameTaken, EmailTaken."""
        actions: list[Action] = [
            Put(tables.USER, user, ABSENT),
            Put(tables.USER_ID_CLAIM, UserIdClaim(user.user_id, user.username_key), ABSENT),
        ]
        if user.email_key is not None:
            actions.append(_claimed_address(user, user.email_key))
        if user.counts_as_admin:
            actions.append(_counted(1))
        try:
            self.store.transact(tables.CREATE_USER, actions)
        except TransactionCancelled as exc:
            if exc.failed(0):
                raise UsernameTaken from exc
            if exc.failed(2):  # nothing else stands there with a condition: a count that rises has none
                raise EmailTaken from exc
            return False
        return True

    def ensure_admin_user(
        self,
        hashed_password: str,
        email: str | None = None,
        *,
        username: str = "admin",
        must_change_password: bool = True,
    ) -> UserRecord | None:
        """The administrator of this name, where the product would otherwise have none who can sign in.

        One who can is left alone. One without a password gets this one. While nobody can sign in as an administrator,
        the user of this name is made one, or created; otherwise nothing changes, and it is whoever has the name, or
        None. 1 request where nothing is to be done; else 2, and those of what is done.
        """
        found = self.get_user(username)
        if found is not None and found.counts_as_admin:
            return found
        is_needed = not self.count_admins()
        if found is None:
            if not is_needed:
                return None
            try:
                return self.create_user(
                    username, hashed_password, email, is_admin=True, must_change_password=must_change_password
                )
            except UsernameTaken:  # somebody else did the same at this moment
                return self.get_user(username)

        def able(user: UserRecord) -> UserRecord:
            if user.counts_as_admin or not (is_needed or user.hashed_password == NO_PASSWORD):
                return user
            with_password = replace(user, hashed_password=hashed_password, must_change_password=must_change_password)
            return replace(with_password, is_admin=True, is_active=True) if is_needed else with_password

        return self.change_user(found, able)

    def count_admins(self) -> int:
        """How many administrators can sign in. 1 request."""
        guard = self.store.get(tables.ACTIVE_ADMINS)
        return 0 if guard is None else guard.active_admins

    # ---- changes -----------------------------------------------------------------------------------------------------

    def update_user(
        self,
        user_id: int,
        email: str | None = None,
        hashed_password: str | None = None,
        *,
        is_admin: bool | None = None,
        is_active: bool | None = None,
        clear_email: bool = False,
        must_change_password: bool | None = None,
    ) -> UserRecord | None:
        """Change what is given; None where nobody has this id. 2 requests beside those of `change_user`.

        Raises InvalidEmail before any request, and what `change_user` raises.
        """
        given: dict[str, Any] = {
            "email": None if email is None else valid_email(email), "hashed_password": hashed_password,
            "is_admin": is_admin, "is_active": is_active, "must_change_password": must_change_password,
        }  # fmt: skip
        changes = {name: value for name, value in given.items() if value is not None}
        if clear_email:
            changes["email"] = None
        found = self.get_user_by_id(user_id)
        return None if found is None else self.change_user(found, lambda user: replace(user, **changes))

    def change_user(self, user: UserRecord, change: Change) -> UserRecord | None:
        """Change a user as read, and what is unique or counted with it; None for one who is gone.

        Another password, and being active or an administrator or not, void all tokens so far. Where nothing is
        different nothing is written. Raises EmailTaken, LastAdmin, VersionConflict after three tries, and what `change`
        raises. 1 request; 2 more for each try that somebody else was quicker than.
        """
        for _ in range(_TRIES):
            wanted = change(user)
            if wanted == user:
                return user
            voids = any(getattr(wanted, name) != getattr(user, name) for name in _VOIDING)
            written = replace(
                wanted, updated_at=timestamp(self.clock()), version=user.version + 1,
                token_version=user.token_version + voids,
            )  # fmt: skip
            if self._is_changed(user, written):
                return written
            current = self._same_user(user.username_key, user.user_id)
            if current is None:
                return None
            user = current
        raise VersionConflict

    def _is_changed(self, user: UserRecord, written: UserRecord) -> bool:
        """False when the user is no longer as read. Raises EmailTaken, LastAdmin."""
        names = (*_CHANGEABLE, "version", "token_version", "updated_at")
        update = Update().assign({name: getattr(written, name) for name in names})
        profile = UpdateItem(tables.USER.key_of(user), update, _as_read(user), return_old=True)
        moved, recounted = _moved_address(user, written), _recounted(user, written)
        if not moved and not recounted:
            return self._is_updated(profile, written)
        actions: list[Action] = [profile, *moved, *recounted]
        try:
            self.store.transact(tables.CHANGE_USER if moved else tables.RECOUNT_ADMINS, actions)
        except TransactionCancelled as exc:
            refused = [actions[position] for position in exc.failed_positions]
            if profile in refused:
                return False
            if any(isinstance(each, Put) for each in refused):
                raise EmailTaken from exc
            raise _refusal(refused) from exc
        return True

    def _is_updated(self, profile: UpdateItem, written: UserRecord) -> bool:
        try:
            self.store.update(tables.UPDATE_USER, profile)
        except ConditionFailed as exc:
            return exc.item == tables.USER.item(written)  # it is ours: an answer got lost and the store tried again
        return True

    def set_password_hash(self, username_key: str, old_hash: str, new_hash: str) -> bool:
        """Keep another hash of the same password; no token is void for it. False when the old one is gone. 1 request.

        Raises ValueError for a hash of nobody's password, with which the number of administrators would change.
        """
        if NO_PASSWORD in {old_hash, new_hash}:
            raise ValueError("only a hash takes the place of a hash")
        change = UpdateItem(
            tables.USER.key(username_key=username_key),
            Update().set(hashed_password=new_hash).add(version=1),
            Attr("hashed_password").eq(old_hash),
        )
        return applied(self.store.update, tables.UPDATE_USER, change)

    def delete_user(self, user_id: int) -> bool:
        """Remove a user, free the address, and keep the id from coming back. False when nobody has this id.

        Raises LastAdmin, VersionConflict after three tries. 3 requests; 2 more for each try that somebody else was
        quicker than, 1 or 2 for an unknown id.
        """
        user = self.get_user_by_id(user_id)
        for _ in range(_TRIES):
            if user is None:
                return False
            if self._is_deleted(user):
                return True
            user = self._same_user(user.username_key, user_id)
        raise VersionConflict

    def _is_deleted(self, user: UserRecord) -> bool:
        """False when the user is no longer as read. Raises LastAdmin."""
        gone = Update().set(deleted_at=timestamp(self.clock()))
        actions: list[Action] = [
            Delete(tables.USER.key_of(user), _as_read(user)),
            UpdateItem(tables.USER_ID_CLAIM.key(user_id=user.user_id), gone, EXISTS),
        ]
        if user.email_key is not None:
            actions.append(_freed_address(user, user.email_key))
        if user.counts_as_admin:
            actions.append(_counted(-1))
        try:
            self.store.transact(tables.DELETE_USER, actions)
        except TransactionCancelled as exc:
            if exc.failed(0):
                return False
            raise _refusal([actions[position] for position in exc.failed_positions]) from exc
        return True


_VOIDING: Final = ("hashed_password", "is_active", "is_admin")
_CHANGEABLE: Final = (*_VOIDING, "email", "must_change_password")


def _as_read(user: UserRecord) -> Condition:
    return Attr("user_id").eq(user.user_id) & Attr("version").eq(user.version)


def _claimed_address(user: UserRecord, email_key: str) -> Action:
    return Put(tables.EMAIL_CLAIM, EmailClaim(email_key, user.user_id, user.username_key), ABSENT)


def _freed_address(user: UserRecord, email_key: str) -> Action:
    """Its claim removed, unless it is somebody else's, which only damage explains."""
    of_user = Attr("user_id").not_exists() | Attr("user_id").eq(user.user_id)
    return Delete(tables.EMAIL_CLAIM.key(email_key=email_key), of_user)


def _moved_address(user: UserRecord, written: UserRecord) -> list[Action]:
    """From one claim to another; none where only the spelling changes."""
    before, after = user.email_key, written.email_key
    if before == after:
        return []
    freed = [] if before is None else [_freed_address(user, before)]
    return freed if after is None else [*freed, _claimed_address(written, after)]


def _recounted(user: UserRecord, written: UserRecord) -> list[Action]:
    by = written.counts_as_admin - user.counts_as_admin
    return [_counted(by)] if by else []


def _counted(by: int) -> UpdateItem:
    """One administrator more who can sign in, or one less, as long as another is left."""
    left = Attr("active_admins").gt(1) if by < 0 else None
    return UpdateItem(tables.ADMIN_GUARD.key(), _named("admin_guard").add(active_admins=by), left)


def _named(kind: str) -> Update:
    """An update that may make its item, which then says what it is, as all do."""
    return Update().set_if_absent(entity=kind)


def _refusal(refused: Sequence[Action]) -> Conflict:
    """Why a user as read could not be changed: too few administrators, or claims that do not fit."""
    return LastAdmin() if _counted(-1) in refused else VersionConflict()
