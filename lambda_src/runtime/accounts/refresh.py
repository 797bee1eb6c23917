"""Refresh tokens: `{signin_id}.{secret}`, replaced at every use, so that a stolen one gives itself away.

https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2: thief or owner, one of them presents a token that the other has
used, and that ends the sign-in for both. One item stands for a sign-in, through all of its tokens:

    begin ──▶ R1 ──refresh──▶ R2 ──refresh──▶ R3 ...
               └─ again ──▶ RefreshReused, the sign-in is gone; within `grace_seconds`: R2, the same once more

Of a secret of 32 bytes only the SHA-256 is stored. 20 bytes are random or, with a grace, derived from the token before:
a repeat gets the identical successor, and nobody keeps it. The other 12 sign these, which tells a token that was
replaced long ago, and is theft, from one that never was and ends nothing.
"""

import hashlib
import hmac
import logging
import re
import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple

from lambda_src.dynamo.errors import ConditionFailed, applied
from lambda_src.dynamo.schema import AccessPattern, Entity, Stored, Table
from lambda_src.dynamo.store import Attr, Delete, Put, Store, Update, UpdateItem
from lambda_src.errors import NotAllowed, NotAuthenticated
from lambda_src.runtime.clock import Clock, utc_text
from lambda_src.runtime.tokens import BearerRefused, IssuedToken
from lambda_src.signing import KeyRing, SigningKey, from_base64url, to_base64url

logger = logging.getLogger(__name__)

_FORM: Final = re.compile(r"([0-9a-f]{32})\.([A-Za-z0-9_-]{43})")
_BODY_BYTES: Final = 20  # 160 bits: https://www.rfc-editor.org/rfc/rfc6749#section-10.10
_SIGNATURE_BYTES: Final = 12


class RefreshInvalid(BearerRefused):
    """No token of a sign-in that lasts: unknown, over, ended, or not written as ours are."""

    code = "refresh_invalid"
    default_detail = "The sign-in is over; sign in again"


class RefreshReused(BearerRefused):
    """It had been replaced already, and its sign-in is ended."""

    code = "refresh_reused"
    default_detail = "The sign-in was used from two places and is over; sign in again"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A sign-in that lasts. A service's own model derives from it, and says whose it is.

    secret_hash, key_id: of the newest token, and the key it was made with. rotated_at: when it replaced the one of
    `prev_hash`. replaced: `{instant} {hash}` of those before that are in their grace. absolute_end, expires_at: epoch
    seconds.
    """

    signin_id: str
    token_version: int
    secret_hash: str
    key_id: str
    created_at: str
    rotated_at: str
    absolute_end: int
    expires_at: int
    prev_hash: str | None = None
    replaced: frozenset[str] = frozenset()

    def replacements(self) -> dict[str, str]:
        """When tokens were replaced, by their hash, as far as it is known."""
        known = [each.split() for each in self.replaced]
        if self.prev_hash is not None:
            known.append([self.rotated_at, self.prev_hash])
        return {token_hash: instant for instant, token_hash in known}


class SignInPatterns[S: SignIn](NamedTuple):
    """The sign-ins of a table, and what is asked of them."""

    entity: Entity[S]
    put: AccessPattern[Any]
    get: AccessPattern[S]
    rotate: AccessPattern[Any]
    delete: AccessPattern[Any]


def sign_in_patterns[S: SignIn](
    table: Table,
    model: type[S],
    *,
    pk: str,
    sk: str,
    asked_by: Iterable[str],
    stored: Mapping[str, Stored] | None = None,
) -> SignInPatterns[S]:
    """Declares them, in a service's `tables.py`. pk, sk: key templates, with {signin_id}."""
    entity = Entity(
        table, model, name="SignIn", pk=pk, sk=sk, stored={"expires_at": Stored(table.ttl), **(stored or {})},
        notes="A sign-in that lasts, by the hash of its newest refresh token; leaves by TTL",
    )  # fmt: skip
    ask = partial(AccessPattern, asked_by=tuple(asked_by))
    write = partial(ask, writes=entity, cost="1 request; 1 WRU, also when refused")
    get: AccessPattern[S] = ask(
        "get_signin", "Whose sign-in is this, and what is its newest token?",
        operation="GetItem", reads=entity, consistent=True, cost="1 request; 1 RRU consistent",
    )  # fmt: skip
    return SignInPatterns(
        entity,
        write("put_signin", "Keep a new sign-in", operation="PutItem"),
        get,
        write("rotate_signin", "Replace a refresh token, unless somebody else did", operation="UpdateItem"),
        write("delete_signin", "End a sign-in", operation="DeleteItem"),
    )


class Lifetimes(NamedTuple):
    """How long a sign-in lasts unused, and in all; grace_seconds: how long a replaced token gets its successor."""

    idle_seconds: int
    absolute_seconds: int
    grace_seconds: int = 0


class _Presented(NamedTuple):
    signin_id: str
    secret: str
    hash: str


@dataclass(frozen=True, slots=True)
class RefreshTokens[S: SignIn]:
    """Issues, replaces and ends refresh tokens. keys: for this purpose alone, as `DerivedKeys` are.

    A sign-in counts while its user has the token version it began with: raising that ends all sign-ins of a user, and
    nobody has to find them.
    """

    store: Store
    patterns: SignInPatterns[S]
    keys: KeyRing
    lifetimes: Lifetimes
    clock: Clock

    def begin(self, *, token_version: int, **whose: Any) -> IssuedToken:
        """The first token of a new sign-in. whose: the attributes that the service's model adds. 1 request; 1 WRU."""
        now, key, signin_id = self.clock(), self.keys.current(), uuid.uuid4().hex
        instant, absolute_end = utc_text(now, "microseconds"), int(now.timestamp()) + self.lifetimes.absolute_seconds
        secret = _secret(key, signin_id, secrets.token_bytes(_BODY_BYTES))
        expires_at = self._expires_at(now, absolute_end)
        sign_in = self.patterns.entity.model_type(
            signin_id=signin_id, token_version=token_version, secret_hash=_hash(secret), key_id=key.id,
            created_at=instant, rotated_at=instant, absolute_end=absolute_end, expires_at=expires_at, **whose,
        )  # fmt: skip
        self.store.put(self.patterns.put, Put(self.patterns.entity, sign_in))
        return self._issued(signin_id, secret, expires_at)

    def refresh[A](self, text: str, account: Callable[[S], A]) -> tuple[A, IssuedToken]:
        """Whose token it is, and the one that takes its place.

        account: whose a sign-in is, by a consistent read; what it raises as NotAuthenticated or NotAllowed ends the
        sign-in and is the answer. Raises RefreshInvalid, RefreshReused. The write comes last: what fails before it
        costs nobody a token. 2 requests beside those of `account`; 1 RRU and 1 WRU. 1 or 2 for what is refused.
        """
        presented = _parsed(text)
        found = self.store.get(self.patterns.get, signin_id=presented.signin_id)
        if found is None:
            raise RefreshInvalid
        successor = self._successor(presented, found)
        try:
            owner = account(found)
        except (NotAuthenticated, NotAllowed):
            self._delete(presented.signin_id)
            raise
        return owner, successor or self._rotate(presented, found)

    def end(self, text: str) -> None:
        """End the sign-in of a token, of its newest or the one before; another changes nothing.

        Raises RefreshInvalid for what is no token at all. 1 request; 1 WRU.
        """
        presented = _parsed(text)
        of_it = Attr("secret_hash").eq(presented.hash) | Attr("prev_hash").eq(presented.hash)
        key = self.patterns.entity.key(signin_id=presented.signin_id)
        applied(self.store.delete, self.patterns.delete, Delete(key, of_it))

    def _rotate(self, presented: _Presented, found: S) -> IssuedToken:
        now, key = self.clock(), self.keys.current()
        # Random without a grace: that tells a try of ours whose answer got lost from somebody else's.
        body = _derived(key, presented) if self.lifetimes.grace_seconds else secrets.token_bytes(_BODY_BYTES)
        secret, expires_at = _secret(key, presented.signin_id, body), self._expires_at(now, found.absolute_end)
        before = found.replacements().items()
        change = UpdateItem(
            self.patterns.entity.key(signin_id=presented.signin_id),
            Update()
            .set(secret_hash=_hash(secret), prev_hash=presented.hash, key_id=key.id, expires_at=expires_at)
            .set(rotated_at=utc_text(now, "microseconds"))
            .assign({"replaced": frozenset(f"{at} {each}" for each, at in before if self._in_grace(at, now))}),
            Attr("secret_hash").eq(presented.hash) & Attr("expires_at").gt(int(now.timestamp())),
            return_old=True,
        )
        try:
            self.store.update(self.patterns.rotate, change)
        except ConditionFailed as refused:
            if refused.item is None:  # signed out meanwhile
                raise RefreshInvalid from None
            stands = self.patterns.entity.model(refused.item)
            if stands.secret_hash != _hash(secret):  # else a try of ours went through, and its answer got lost
                successor = self._successor(presented, stands)
                if successor is None:  # still the newest, so it expired meanwhile
                    raise RefreshInvalid from None
                return successor
        return self._issued(presented.signin_id, secret, expires_at)

    def _successor(self, presented: _Presented, found: S) -> IssuedToken | None:
        """None for the newest token of a sign-in; for one in its grace, what took its place.

        Raises RefreshInvalid and, after the sign-in is ended, RefreshReused.
        """
        now = self.clock()
        if found.expires_at <= int(now.timestamp()):
            raise RefreshInvalid
        if hmac.compare_digest(found.secret_hash, presented.hash):
            return None
        known, key = found.replacements(), self.keys.find(found.key_id)
        replaced_at = known.get(presented.hash)
        if key is not None and replaced_at is not None and self._in_grace(replaced_at, now):
            secret = _secret(key, presented.signin_id, _derived(key, presented))
            if _hash(secret) not in {found.secret_hash, *known}:
                raise RefreshInvalid  # made with a key from before, so nobody knows it any more
            return self._issued(presented.signin_id, secret, found.expires_at)
        if replaced_at is None and (key is None or not _is_ours(key, presented)):
            raise RefreshInvalid
        logger.warning("replaced refresh token used", extra={"signin_id": presented.signin_id})
        self._delete(presented.signin_id)
        raise RefreshReused

    def _in_grace(self, replaced_at: str, now: datetime) -> bool:
        grace = timedelta(seconds=self.lifetimes.grace_seconds)
        return bool(grace) and now - datetime.fromisoformat(replaced_at) < grace  # the clocks of two machines differ

    def _expires_at(self, now: datetime, absolute_end: int) -> int:
        return min(int(now.timestamp()) + self.lifetimes.idle_seconds, absolute_end)

    def _issued(self, signin_id: str, secret: str, expires_at: int) -> IssuedToken:
        return IssuedToken(f"{signin_id}.{secret}", expires_at - int(self.clock().timestamp()))

    def _delete(self, signin_id: str) -> None:
        self.store.delete(self.patterns.delete, Delete(self.patterns.entity.key(signin_id=signin_id)))


def _parsed(text: str) -> _Presented:
    match = _FORM.fullmatch(text)
    if match is None:
        raise RefreshInvalid
    return _Presented(match[1], match[2], _hash(match[2]))


def _secret(key: SigningKey, signin_id: str, body: bytes) -> str:
    signature = hmac.digest(key.secret, b"secret" + signin_id.encode() + body, "sha256")
    return to_base64url(body + signature[:_SIGNATURE_BYTES])


def _derived(key: SigningKey, presented: _Presented) -> bytes:
    """The body of the secret that follows."""
    before = f"{presented.signin_id}.{presented.secret}"
    return hmac.digest(key.secret, b"successor" + before.encode(), "sha256")[:_BODY_BYTES]


def _is_ours(key: SigningKey, presented: _Presented) -> bool:
    """Whether it was once made with this key."""
    try:
        body = from_base64url(presented.secret)[:_BODY_BYTES]
    except ValueError:
        return False
    return hmac.compare_digest(_secret(key, presented.signin_id, body), presented.secret)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
