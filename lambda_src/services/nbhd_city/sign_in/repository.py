"""Sign-ins under way: OAuth states and login codes. Both are used once, and found by a digest of a random value.

TTL removes what is over within days, so every use compares `expires_at` itself.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from lambda_src.dynamo.errors import ConditionFailed
from lambda_src.dynamo.schema import AccessPattern, ItemKey
from lambda_src.dynamo.store import Attr, Condition, Delete, Put, Store
from lambda_src.dynamo.values import Item
from lambda_src.services.nbhd_city import tables
from lambda_src.services.nbhd_city.models import Did, Identity, LoginCode, OAuthState


@dataclass(frozen=True, slots=True)
class SignInRepository:
    """OAuth states and login codes. seconds: the time, since 1970.

    A value may be consumed once: where the answer to that is lost, the store tries again and finds nothing, and whoever
    signs in has to start again.
    """

    store: Store
    seconds: Callable[[], float]

    def put_oauth_state(self, state: OAuthState) -> None:
        """Remember a sign-in until the browser comes back. 1 request."""
        self.store.put(tables.PUT_OAUTH_STATE, Put(tables.OAUTH_STATE, state))

    def consume_oauth_state(self, state: str, *, browser_secret: str) -> OAuthState | None:
        """What was remembered, once; None when it is unknown, over, or of another browser, whose try changes nothing.

        1 request.
        """
        same_browser = Attr("browser_hash").eq(digest(browser_secret))
        key = tables.OAUTH_STATE.key(state_digest=digest(state))
        item = self._take(tables.CONSUME_OAUTH_STATE, key, self._unexpired() & same_browser)
        return None if item is None else tables.OAUTH_STATE.model(item)

    def put_login_code(self, code: str, identity: Identity, *, expires_at: int) -> None:
        """Keep a proven identity for whoever brings the code. expires_at: epoch seconds. 1 request."""
        kept = LoginCode(digest(code), identity.did, expires_at, identity.handle)
        self.store.put(tables.PUT_LOGIN_CODE, Put(tables.LOGIN_CODE, kept))

    def consume_login_code(self, code: str) -> Identity | None:
        """The identity, once; None when the code is unknown or over. 1 request."""
        item = self._take(tables.CONSUME_LOGIN_CODE, tables.LOGIN_CODE.key(code_digest=digest(code)), self._unexpired())
        return None if item is None else Identity(Did(item["user_id"]), item.get("handle"))

    def _unexpired(self) -> Condition:
        return Attr("expires_at").gt(int(self.seconds()))

    def _take(self, pattern: AccessPattern[None], key: ItemKey, condition: Condition) -> Item | None:
        try:
            return self.store.delete(pattern, Delete(key, condition), returning="ALL_OLD")
        except ConditionFailed:
            return None


def digest(value: str) -> str:
    """SHA-256 in hex: who reads the table learns no value that could be used."""
    return hashlib.sha256(value.encode()).hexdigest()
