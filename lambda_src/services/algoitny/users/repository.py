"""Writes of users, after which id, address and Google account are each one's own and plans count who is on them.

A user, the guards of address and Google account, and the count of the plan change in one transaction:

    create   put user, ∄                    put guards, ∄                       new plan +1, if it is active
    move     update user, as read           delete the old guards, put new, ∄
    plan     update user, plan as read                                          old plan -1, new plan +1, if active
    delete   delete user, as read           delete guards                       old plan -1, put the purge's task

An index shows what was written a moment ago, or not yet: whoever signs in or registers is looked up by the guards.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import reduce
from operator import and_
from typing import Any, Final, Literal, NamedTuple

from lambda_src.dynamo.errors import ConditionFailed, TransactionCancelled
from lambda_src.dynamo.lists import Page
from lambda_src.dynamo.schema import AccessPattern, Entity
from lambda_src.dynamo.store import ABSENT, EXISTS, Action, Attr, Condition, Delete, Put, Store, Update, UpdateItem
from lambda_src.errors import AppError, Conflict, StoreUnavailable
from lambda_src.runtime.clock import Clock, epoch_ms
from lambda_src.services.algoitny import errors, items, tables
from lambda_src.services.algoitny.checks import known_fields
from lambda_src.services.algoitny.counters import CounterRepository
from lambda_src.services.algoitny.models.plans import FREE_PLAN_ID
from lambda_src.services.algoitny.models.stored import MAX_ID
from lambda_src.services.algoitny.models.users import User, UserEntry, normalised_email, valid_email

logger = logging.getLogger(__name__)

_CHANGEABLE: Final = frozenset({
    "email", "name", "picture", "google_id", "is_staff", "privacy_agreed_at", "terms_agreed_at",
    "code_ownership_agreed_at", "last_login_at",
})  # fmt: skip
_KNOWN_OF_NEW: Final = _CHANGEABLE | {"user_id", "subscription_plan_id"}

_GUARDS: Final[tuple[tuple[str, Entity[Any], type[AppError]], ...]] = (
    ("email", items.EMAIL_GUARD, errors.EmailTaken),
    ("google_id", items.GOOGLE_GUARD, errors.GoogleIdTaken),
)

type _Step = tuple[Action, type[AppError]]
"""A part of a transaction, and what it means when its condition does not hold."""


class CreatedRow(NamedTuple):
    """What became of one row of several. user: where it was created; error: otherwise."""

    status: Literal["created", "duplicate", "error"]
    user: User | None = None
    error: AppError | None = None


@dataclass(frozen=True, slots=True)
class UserRepository:
    """Accounts, and all writes of them."""

    store: Store
    clock: Clock

    # ---- reads -------------------------------------------------------------------------------------------------------

    def get_user_by_id(self, user_id: int) -> User | None:
        """The user as stored this instant. 1 request; 1 RRU; none for what is no id."""
        return self.store.get(tables.GET_USER_BY_ID, user_id=user_id) if 0 < user_id <= MAX_ID else None

    def stored_user(self, user_id: int) -> User:
        """The user as stored this instant. Raises UserNotFound. 1 request; 1 RRU."""
        user = self.get_user_by_id(user_id)
        if user is None:
            raise errors.UserNotFound
        return user

    def get_user_by_email(self, email: str, consistent: bool = False) -> User | None:  # noqa: FBT001, FBT002 -- published
        """Who has this address, in any case. 1 request, about a second behind; consistent: 2, as stored this instant.

        Two users of one address, which nothing here writes, are logged as an error; the one of the lower id wins.
        """
        address = normalised_email(email)
        if not address:
            return None
        if consistent:
            guard = self.store.get(tables.HOLDER_OF_EMAIL, email=address)
            user = None if guard is None else self.get_user_by_id(guard.user_id)
            return user if user is not None and user.email == address else None
        found = self.store.items(tables.GET_USER_BY_EMAIL, email=address, stop_after=2)
        if len(found) > 1:
            logger.error("address of two users", extra={"user_ids": [user.user_id for user in found]})
        return min(found, key=lambda user: user.user_id, default=None)

    def get_user_by_google_id(self, google_id: str, consistent: bool = False) -> User | None:  # noqa: FBT001, FBT002
        """Who has this Google account. 2 requests, 1 for an unknown one; consistent as for addresses."""
        if not google_id:
            return None
        if consistent:
            guard = self.store.get(tables.HOLDER_OF_GOOGLE_ID, google_id=google_id)
        else:
            guard = next(iter(self.store.items(tables.GET_USER_BY_GOOGLE_ID, google_id=google_id, stop_after=1)), None)
        user = None if guard is None else self.get_user_by_id(guard.user_id)
        return user if user is not None and user.google_id == google_id else None

    def user_exists(self, email: str) -> bool:
        """Whether an address is taken, this instant. 1 request; 1 RRU."""
        address = normalised_email(email)
        return bool(address) and self.store.get(tables.HOLDER_OF_EMAIL, email=address) is not None

    def is_admin(self, user_id: int, admin_emails: Iterable[str]) -> bool:
        """Whether a user may do everything: as staff, or by the address. Nobody who is switched off may. 1 request."""
        user = self.get_user_by_id(user_id)
        emails = map(normalised_email, admin_emails)
        return user is not None and user.is_active and (user.is_staff or user.email in emails)

    def list_users(self, limit: int, cursor: str | None = None) -> Page[User]:
        """One page of all users, newest first; some who were removed this instant may lack. Raises InvalidCursor.

        2 requests up to 100 users; 1 RRU each.
        """
        page = self.store.page(tables.LIST_USERS, limit=limit, cursor=cursor)
        return Page([user for user in self._users(page.items) if user is not None], page.next_cursor)

    def search_users(
        self, limit: int, cursor: str | None, *, matches: Callable[[User], bool], bound_to: str
    ) -> Page[User]:
        """One page of the users for whom something holds, newest first, for a bounded amount of work.

        A page may be short, or even empty, and have a cursor. bound_to: a digest of the search, which cursors are bound
        to. Raises InvalidCursor. At most 5 times 200 users are looked at: 3 requests and 202 RRU each time.
        """
        position = self.store.position(tables.LIST_USERS, cursor, search=bound_to)
        found: list[User] = []
        for _ in range(5):
            entries = self.store.items(tables.LIST_USERS, after=position, stop_after=200)
            for number, (entry, user) in enumerate(zip(entries, self._users(entries), strict=True), start=1):
                if user is not None and matches(user):
                    found.append(user)
                if len(found) == limit and number < len(entries):
                    return Page(found, self.store.cursor(tables.LIST_USERS, entry, search=bound_to))
            if len(entries) < 200:
                return Page(found, None)
            last = entries[-1]
            position = {"user_id": last.user_id, "created_at": last.created_at}
            if len(found) == limit:
                break
        return Page(found, self.store.cursor(tables.LIST_USERS, last, search=bound_to))

    def _users(self, entries: Sequence[UserEntry]) -> list[User | None]:
        keys = [items.USER.key(user_id=entry.user_id) for entry in entries]
        found = {user.user_id: user for user in self.store.batch_get(tables.USERS_OF_PAGE, keys)}
        return [found.get(entry.user_id) for entry in entries]

    # ---- new users ---------------------------------------------------------------------------------------------------

    def create_user(self, user_data: Mapping[str, Any]) -> User:
        """Add a user: on plan Free unless another is named, with an id of the counter unless one is given.

        Raises InvalidInput for what is no address, ValueError for attributes that no user has, both before any request;
        UserIdTaken for a given id only, EmailTaken, GoogleIdTaken, PlanNotFound for a plan that is missing or takes no
        users, StoreUnavailable when no free id is found. 2 requests, 1 with an id; 2 more for each id that was used.
        """
        now = epoch_ms(self.clock())
        given = {"subscription_plan_id": FREE_PLAN_ID, "user_id": 0, **known_fields(user_data, _KNOWN_OF_NEW)}
        user = User(**{**given, "email": valid_email(user_data["email"]), "created_at": now, "updated_at": now})
        if user.user_id:
            return self._added(user)
        for user_id in CounterRepository(self.store).draws("user_id"):
            try:
                return self._added(replace(user, user_id=user_id))
            except errors.UserIdTaken:
                logger.warning("id drawn that is taken", extra={"user_id": user_id})
        raise StoreUnavailable

    def batch_create_users(
        self, users_data: Sequence[Mapping[str, Any]], mode: Literal["transact"] = "transact"
    ) -> list[CreatedRow]:
        """Add users, each for itself, 8 at once; what became of each, in their order. 2 requests each."""
        if mode != "transact":
            raise ValueError(f"users are created by transactions, not by {mode!r}; the migration writes in bulk")
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(self._created_row, users_data))

    def _created_row(self, user_data: Mapping[str, Any]) -> CreatedRow:
        try:
            return CreatedRow("created", self.create_user(user_data))
        except AppError as exc:
            is_there = isinstance(exc, errors.EmailTaken | errors.GoogleIdTaken | errors.UserIdTaken)
            return CreatedRow("duplicate" if is_there else "error", error=exc)

    def _added(self, user: User) -> User:
        account = (Put(items.USER, user, ABSENT), errors.UserIdTaken)
        plan = (_counted(user.subscription_plan_id, 1), errors.PlanNotFound)
        self._transact(tables.CREATE_USER, [account, *_guards(None, user), plan])
        return user

    def _transact(self, pattern: AccessPattern[Any], steps: Sequence[_Step]) -> None:
        """Raises what the first refused step means; UserNotFound where nobody is there whom the first one changes."""
        try:
            self.store.transact(pattern, [action for action, _ in steps])
        except TransactionCancelled as exc:
            position = exc.failed_positions[0]
            action, refusal = steps[position]
            is_gone = position == 0 and action.return_old and exc.reasons[0].item is None
            raise (errors.UserNotFound if is_gone else refusal) from exc

    # ---- changes -----------------------------------------------------------------------------------------------------

    def update_user(self, user_id: int, updates: Mapping[str, Any]) -> User:
        """Change what is given; an absent value is removed, and with a Google id its guard. The user as stored then.

        Raises ValueError for what this does not change, InvalidInput for what is no address, both before any request;
        UserNotFound, EmailTaken, GoogleIdTaken, Conflict for a user somebody else changed at this moment. 1 request;
        2 where address or Google account are given.
        """
        changes = known_fields(updates, _CHANGEABLE)
        if "email" in changes:
            changes["email"] = valid_email(changes["email"])
        if not changes.keys() & {"email", "google_id"}:
            return self._updated(user_id, Update().assign(changes))
        return self._moved(self.stored_user(user_id), changes)

    def link_google_account(self, user: User, google_id: str, updates: Mapping[str, Any]) -> User:
        """Give a user as read, who has no Google account, this one, and change what else is given.

        Raises GoogleIdTaken, UserNotFound, Conflict for a user who has one meanwhile, or another address. 1 request.
        """
        return self._moved(user, {**known_fields(updates, _CHANGEABLE), "google_id": google_id})

    def _moved(self, user: User, changes: Mapping[str, Any]) -> User:
        wanted = replace(user, **changes, updated_at=epoch_ms(self.clock()))
        if (wanted.email, wanted.google_id) == (user.email, user.google_id):
            return self._updated(user.user_id, Update().assign(changes))
        update = Update().assign({**changes, "updated_at": wanted.updated_at})
        update = update.set(GSI1PK=items.USER.index_keys_of(wanted)["GSI1PK"])
        account = UpdateItem(items.USER.key_of(user), update, _as_read(user, "email", "google_id"), return_old=True)
        self._transact(tables.MOVE_USER, [(account, Conflict), *_guards(user, wanted)])
        return wanted

    def activate_user(self, user_id: int) -> User:
        """Let a user in again; tokens of before stay void. Raises UserNotFound. 1 request; 2 WRU."""
        return self._updated(user_id, Update().set(is_active=True))

    def deactivate_user(self, user_id: int) -> User:
        """Let a user in no more, and void all tokens so far. Raises UserNotFound. 1 request; 2 WRU."""
        return self._updated(user_id, _administrated({"is_active": False}))

    def revoke_tokens(self, user_id: int) -> User:
        """Void all tokens so far, of all sign-ins. Raises UserNotFound. 1 request; 2 WRU."""
        return self._updated(user_id, Update().add(token_version=1))

    def update_subscription_plan(self, user_id: int, plan_id: int) -> User:
        """Give a user another plan; nothing is written where it is the same.

        Raises UserNotFound, PlanNotFound, PlanInactive for one that takes no users, Conflict when somebody else was
        quicker five times. 2 requests, 1 where nothing changes; 1 more each time somebody was quicker.
        """
        return self.administrate(user_id, plan_id=plan_id)

    def administrate(
        self, user_id: int, *, plan_id: int | None = None, is_active: bool | None = None, is_staff: bool | None = None
    ) -> User:
        """What administrators change of a user, all at once or nothing; None leaves it.

        Raises what `update_subscription_plan` does. 2 requests; 1 more each time somebody was quicker.
        """
        given = {"is_staff": is_staff, "is_active": is_active}
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}

        def change(user: User, left: Sequence[Action]) -> User:
            if plan_id is None or plan_id == user.subscription_plan_id:
                return self._updated(user_id, _administrated(changes)) if changes else user
            wanted = {**changes, "subscription_plan_id": plan_id, "updated_at": epoch_ms(self.clock())}
            is_as_read = _as_read(user, "subscription_plan_id")
            moved = UpdateItem(items.USER.key_of(user), _administrated(wanted), is_as_read, return_old=True)
            try:
                self.store.transact(tables.UPDATE_SUBSCRIPTION_PLAN, [moved, _counted(plan_id, 1), *left])
            except TransactionCancelled as exc:
                if exc.failed(1):
                    raise (errors.PlanNotFound if exc.reasons[1].item is None else errors.PlanInactive) from exc
                raise
            return replace(user, **wanted, token_version=user.token_version + (is_active is False))

        return self._as_stored(user_id, change)

    def _updated(self, user_id: int, update: Update) -> User:
        dated = update.set(updated_at=epoch_ms(self.clock()))
        change = UpdateItem(items.USER.key(user_id=user_id), dated, EXISTS)
        try:
            return items.USER.model(self.store.update(tables.UPDATE_USER, change, returning="ALL_NEW"))
        except ConditionFailed as exc:
            raise errors.UserNotFound from exc

    def delete_user(self, user_id: int, *, with_writes: Sequence[Action] = ()) -> User:
        """Remove a user, for good, and free address and Google account; who it was.

        with_writes: what is written in the same transaction, unconditionally, such as the task that purges the rest.
        Raises UserNotFound, Conflict when somebody else was quicker five times. 2 requests; 1 more each time.
        """

        def delete(user: User, left: Sequence[Action]) -> User:
            account = Delete(
                items.USER.key_of(user), _as_read(user, "email", "google_id", "subscription_plan_id"), return_old=True
            )
            guards = [action for action, _ in _guards(user, None)]
            self.store.transact(tables.DELETE_USER, [account, *guards, *with_writes, *left])
            return user

        return self._as_stored(user_id, delete)

    def _as_stored(self, user_id: int, write: Callable[[User, Sequence[Action]], User]) -> User:
        """Write what holds for a user as read, and where somebody was quicker, for the user as that one left it.

        write: from the user and what takes one from the plan before; its first action brings along who stands there.
        """
        user, gone = self.get_user_by_id(user_id), None
        for _ in range(5):
            if user is None:
                raise errors.UserNotFound
            plan_id = user.subscription_plan_id
            try:
                return write(user, [] if plan_id == gone else [_counted(plan_id, -1)])
            except TransactionCancelled as exc:
                if exc.failed(0):
                    stands = exc.reasons[0].item
                    user, gone = None if stands is None else items.USER.model(stands), None
                else:  # so the plan before is gone, which only damage explains
                    gone = plan_id
        raise Conflict


def _administrated(changes: Mapping[str, Any]) -> Update:
    """Who is switched off has no token any more."""
    update = Update().set(**changes)
    return update.add(token_version=1) if changes.get("is_active") is False else update


def _as_read(user: User, *names: str) -> Condition:
    values = {Attr(name): getattr(user, name) for name in names}
    return reduce(and_, (name.not_exists() if value is None else name.eq(value) for name, value in values.items()))


def _guards(before: User | None, after: User | None) -> Iterator[_Step]:
    """What frees address and Google account of a user before, and claims those after, where they differ."""
    for name, entity, taken in _GUARDS:
        old, new = getattr(before, name, None), getattr(after, name, None)
        if old is not None and old != new:
            yield Delete(entity.key(**{name: old})), Conflict
        if after is not None and new is not None and old != new:
            yield Put(entity, entity.model_type(new, after.user_id, after.updated_at), ABSENT), taken


def _counted(plan_id: int, by: Literal[1, -1]) -> UpdateItem:
    """One user more on a plan that takes some, or one less."""
    condition = Attr("is_active").eq(True) if by > 0 else EXISTS
    return UpdateItem(items.PLAN.key(plan_id=plan_id), Update().add(user_count=by), condition, return_old=by > 0)
