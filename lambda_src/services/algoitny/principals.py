"""Who sent a request: access tokens, held against the account as it is stored now, and what routes ask of them."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from starlette.requests import Request

from lambda_src.dynamo.store import Store
from lambda_src.errors import NotAllowed
from lambda_src.runtime import tokens
from lambda_src.runtime.bearer import maybe_signed_in, signed_in, unchanged_account
from lambda_src.runtime.middleware import LOG_FIELDS
from lambda_src.runtime.routing import FromRequest, Provided
from lambda_src.runtime.secrets import Secret
from lambda_src.runtime.tokens import IssuedToken, TokenRefused, TokenRules, TokenSigner
from lambda_src.services.algoitny.errors import TokenRevoked
from lambda_src.services.algoitny.models.users import Principal, User, normalised_email
from lambda_src.services.algoitny.settings import listed
from lambda_src.services.algoitny.tables import GET_USER_BY_ID
from lambda_src.signing import KeyRing

ISSUER: Final = "algoitny"
LEEWAY_SECONDS: Final = 30
KIND: Final = "access"


@dataclass(frozen=True, slots=True)
class Administrators:
    """Who may do everything. secret: with `admin_emails`, separated by commas."""

    secret: Secret

    def include(self, user: User) -> bool:
        """Whether a user is one; nobody who is switched off is. 1 request when nothing fresh is at hand."""
        return user.is_active and (user.is_staff or normalised_email(user.email) in self.emails())

    def emails(self) -> frozenset[str]:
        return frozenset(map(normalised_email, listed(self.secret.get("admin_emails", default=""))))


class AccessTokens:
    """Issues and reads access tokens. environment: of the deployment, outside of which they are good for nothing."""

    def __init__(
        self,
        keys: KeyRing,
        store: Store,
        administrators: Administrators,
        *,
        environment: str,
        lifetime_seconds: int,
        seconds: Callable[[], float],
        make_id: Callable[[], uuid.UUID] = uuid.uuid4,
    ) -> None:
        rules = TokenRules(issuer=ISSUER, audience=environment, required=("typ", "ver"), leeway_seconds=LEEWAY_SECONDS)
        signer = TokenSigner(keys, rules, seconds=seconds)
        self._tokens = tokens.AccessTokens(signer, lifetime_seconds, self._principal, make_id)
        self._store = store
        self._administrators = administrators

    def issue(self, user: User) -> IssuedToken:
        """A token for a user who is signed in now. Raises what reading the keys raises."""
        return self._tokens.issue(str(user.user_id), typ=KIND, ver=user.token_version)

    def read(self, text: str) -> Principal:
        """Who sent it, as stored this instant.

        Raises TokenRefused, TokenExpired, AccountDisabled, TokenRevoked. 1 request; 1 RRU.
        """
        return self._tokens.read(text)

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        subject, version = claims["sub"], claims["ver"]
        if claims["typ"] != KIND or type(version) is not int or not (isinstance(subject, str) and subject.isdecimal()):
            raise TokenRefused
        found = self._store.get(GET_USER_BY_ID, user_id=int(subject))
        user = unchanged_account(found, version, changed=TokenRevoked)
        return Principal(user, self._administrators.include(user))


_REQUIRED: Final = signed_in(AccessTokens)
_OPTIONAL: Final = maybe_signed_in(AccessTokens)


def _member(request: Request, provided: Provided) -> Principal:
    principal: Principal = _REQUIRED.read(request, provided)
    request.scope[LOG_FIELDS] = {"user_id": principal.user_id}
    return principal


def _administrator(request: Request, provided: Provided) -> Principal:
    principal = _member(request, provided)
    if not principal.is_admin:
        raise NotAllowed
    return principal


type Member = Annotated[Principal, FromRequest(_member, _REQUIRED.security)]
"""The caller. Raises TokenMissing and what `AccessTokens.read` raises."""
type Administrator = Annotated[Principal, FromRequest(_administrator, _REQUIRED.security)]
"""The caller, an administrator. Also raises NotAllowed."""
type Visitor = Annotated[Principal | None, _OPTIONAL]
"""The caller, None for who brings no token; a wrong one is refused as where it is required."""
