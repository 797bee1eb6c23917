"""Sign-ins that fail are counted, for a name and for a name from one address, and too many lock it for a while.

    failures in a window:  1 ── 2 ── ... ── limit ──▶ locked, 429 without a look at the password ──▶ 1 ── 2 ...

Names that nobody has are counted like any other, so that a lock tells nothing. Keys are digests: a table shows neither
names that were tried nor addresses.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, NamedTuple

from lambda_src.dynamo.conditions import EXISTS, Attr
from lambda_src.dynamo.errors import ConditionFailed, applied
from lambda_src.dynamo.schema import AccessPattern, Entity, Stored, Table
from lambda_src.dynamo.store import Delete, Put, Store, Update, UpdateItem
from lambda_src.errors import TooManyRequests

_DIGEST_CHARACTERS: Final = 32


class TooManyAttempts(TooManyRequests):
    code = "too_many_attempts"
    default_detail = "Too many attempts to sign in; wait before you try again"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureCounter:
    """Failures of one name, or of one name from one address. window_ends, locked_until, expires_at: epoch seconds."""

    digest: str
    fails: int
    window_ends: int
    expires_at: int
    locked_until: int | None = None


class ThrottlePatterns(NamedTuple):
    """The counters of a table, and what is asked of them."""

    entity: Entity[FailureCounter]
    state: AccessPattern[FailureCounter]
    fail: AccessPattern[Any]
    clear: AccessPattern[Any]


def throttle_patterns(
    table: Table, *, pk: str, sk: str, asked_by: Iterable[str], stored: Mapping[str, Stored] | None = None
) -> ThrottlePatterns:
    """Declares them, in a service's `tables.py`. pk, sk: key templates, with {digest}."""
    entity = Entity(
        table, FailureCounter, pk=pk, sk=sk, key_only=("digest",),
        stored={"expires_at": Stored(table.ttl), **(stored or {})},
        notes="Failed sign-ins of a name, or of a name from one address; leaves by TTL",
    )  # fmt: skip
    ask = partial(AccessPattern, asked_by=tuple(asked_by))
    state: AccessPattern[FailureCounter] = ask(
        "throttle_state", "May this name be tried, and from this address?",
        operation="BatchGetItem", reads=entity, consistent=True, cost="1 request; 2 RRU consistent",
    )  # fmt: skip
    fail = ask(
        "throttle_fail", "Count a failure, and lock after too many",
        operation=("UpdateItem", "PutItem"), writes=entity,
        cost="1 request; 1 WRU; 2 for a new window or a lock; 4 where others count at the same moment",
    )  # fmt: skip
    clear = ask(
        "throttle_clear", "Forget failures", operation="DeleteItem", writes=entity, cost="1 request; 1 WRU"
    )  # fmt: skip
    return ThrottlePatterns(entity, state, fail, clear)


class Limit(NamedTuple):
    """So many failures within a window lock for a while."""

    failures: int
    window_seconds: int = 900
    lock_seconds: int = 900


OF_PAIR: Final = Limit(5)  # a name from one address
OF_NAME: Final = Limit(20)  # a name from anywhere


@dataclass(frozen=True, slots=True)
class SignInThrottle:
    """Stands before whatever tells by a password who it is. seconds: the time, since 1970."""

    store: Store
    patterns: ThrottlePatterns
    seconds: Callable[[], float]
    of_pair: Limit = OF_PAIR
    of_name: Limit = OF_NAME

    def attempt[U](self, name: str, address: str, verify: Callable[[], U | None]) -> U | None:
        """Who `verify` finds; None is a failure and counted, a find forgets those of the name from this address.

        name: as typed, but folded, whether anybody has it or not. Raises TooManyAttempts while it is locked, before
        `verify` is called, and what that raises, which counts for nothing. 1 request and 2 RRU before; after a failure
        2 and 2 WRU, up to 8 when both limits are reached and others count, too; after a find 1 and 1 WRU.
        """
        self._refuse_locked(name, address)
        found = verify()
        if found is not None:
            digest, _ = self._limits(name, address)
            self.store.delete(self.patterns.clear, Delete(self.patterns.entity.key(digest=digest)))
            return found
        for digest, limit in self._limits(name, address).items():
            self._count(digest, limit)
        return None

    def _refuse_locked(self, name: str, address: str) -> None:
        keys = [self.patterns.entity.key(digest=each) for each in self._limits(name, address)]
        locks = [found.locked_until or 0 for found in self.store.batch_get(self.patterns.state, keys)]
        left = max(locks, default=0) - self.seconds()
        if left > 0:
            raise TooManyAttempts(retry_after_seconds=left)

    def _limits(self, name: str, address: str) -> dict[str, Limit]:
        return {_digest(f"pair|{name}|{address}"): self.of_pair, _digest(f"user|{name}"): self.of_name}

    def _count(self, digest: str, limit: Limit) -> None:
        now, key = int(self.seconds()), self.patterns.entity.key(digest=digest)
        window_ends, locked_until = now + limit.window_seconds, now + limit.lock_seconds
        one_more = UpdateItem(
            key,
            Update().add(fails=1).set_if_absent(window_ends=window_ends, expires_at=window_ends),
            Attr("window_ends").not_exists() | Attr("window_ends").gt(now),
        )
        try:
            counted = self._updated(one_more)
        except ConditionFailed:  # the window is over
            counted = FailureCounter(digest=digest, fails=1, window_ends=window_ends, expires_at=window_ends)
            fresh = Put(self.patterns.entity, counted, Attr("window_ends").lte(now))
            if not applied(self.store.put, self.patterns.fail, fresh):  # somebody else began the next one
                counted = self._updated(replace(one_more, condition=None))
        if counted.fails >= limit.failures:
            lock = Update().set(locked_until=locked_until, expires_at=max(locked_until, counted.window_ends))
            applied(self.store.update, self.patterns.fail, UpdateItem(key, lock, EXISTS))

    def _updated(self, change: UpdateItem) -> FailureCounter:
        return self.patterns.entity.model(self.store.update(self.patterns.fail, change, returning="ALL_NEW"))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_CHARACTERS]
