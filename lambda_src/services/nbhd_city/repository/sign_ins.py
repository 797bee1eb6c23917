"""Sign-ins under way: OAuth states and login codes. Both are used once, and found by a digest of a random value.

TTL removes what is over within days, so every use compares `expires_at` itself.
"""

import hashlib
from typing import Any

from boto3.dynamodb.conditions import Attr, ConditionBase

from lambda_src.dynamo.errors import ConditionFailed
from lambda_src.services.nbhd_city.models import Identity, OAuthState
from lambda_src.services.nbhd_city.repository.base import Context
from lambda_src.services.nbhd_city.tables import LOGIN_CODE, MAIN, OAUTH_STATE


class SignInRepository:
    """Access patterns of OAuth states and login codes.

    A value may be consumed once: where the answer to that is lost, the store tries again and finds nothing, and whoever
    signs in has to start again.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def put_oauth_state(self, state: str, content: OAuthState) -> None:
        """Remember a sign-in until the browser comes back with `state`. 1 request."""
        optional = {"dpop_jwk": content.dpop_jwk, "dpop_nonce": content.dpop_nonce}
        item = {
            **_state_key(state),
            "code_verifier": content.code_verifier,
            "browser_hash": content.browser_hash,
            "return_origin": content.return_origin,
            "issuer": content.issuer,
            "issued_at": content.issued_at,
            "expires_at": content.expires_at,
            **{name: text for name, text in optional.items() if text},
        }
        self._store.put(MAIN, item)

    def consume_oauth_state(self, state: str, *, browser_secret: str) -> OAuthState | None:
        """What was remembered, once; None when it is unknown, over, or of another browser, whose try changes nothing.

        1 request.
        """
        same_browser = Attr("browser_hash").eq(digest(browser_secret))
        item = self._take(_state_key(state), self._unexpired() & same_browser)
        if item is None:
            return None
        return OAuthState(
            code_verifier=item["code_verifier"],
            browser_hash=item["browser_hash"],
            return_origin=item["return_origin"],
            issuer=item["issuer"],
            issued_at=item["issued_at"],
            expires_at=item["expires_at"],
            dpop_jwk=item.get("dpop_jwk"),
            dpop_nonce=item.get("dpop_nonce"),
        )

    def put_login_code(self, code: str, identity: Identity, *, expires_at: int) -> None:
        """Keep a proven identity for whoever brings the code. expires_at: epoch seconds. 1 request."""
        item: dict[str, object] = {**_code_key(code), "user_id": identity.did, "expires_at": expires_at}
        if identity.handle is not None:
            item["handle"] = identity.handle
        self._store.put(MAIN, item)

    def consume_login_code(self, code: str) -> Identity | None:
        """The identity, once; None when the code is unknown or over. 1 request."""
        item = self._take(_code_key(code), self._unexpired())
        return None if item is None else Identity(item["user_id"], item.get("handle"))

    def _unexpired(self) -> ConditionBase:
        return Attr("expires_at").gt(int(self._context.clock().timestamp()))

    def _take(self, key: dict[str, str], condition: ConditionBase) -> dict[str, Any] | None:
        try:
            return self._store.delete(MAIN, key, condition=condition, returning="ALL_OLD")
        except ConditionFailed:
            return None


def digest(value: str) -> str:
    """SHA-256 in hex: who reads the table learns no value that could be used."""
    return hashlib.sha256(value.encode()).hexdigest()


def _state_key(state: str) -> dict[str, str]:
    return MAIN.key(OAUTH_STATE, state_digest=digest(state))


def _code_key(code: str) -> dict[str, str]:
    return MAIN.key(LOGIN_CODE, code_digest=digest(code))
