"""Who sent a request: access tokens, held against the account as it is stored now, and what routes ask of them."""

from collections.abc import Callable, Mapping
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
from lambda_src.services.algoitny.settings import ApiSettings, listed
from lambda_src.services.algoitny.tables import GET_USER_BY_ID
from lambda_src.signing import KeyRing

KIND: Final = "access"


def is_administrator(user: User, secret: Secret) -> bool:
    """Whether a user may do everything; nobody who is switched off may. 1 request when nothing fresh is at hand.

    secret: with `admin_emails`, separated by commas.
    """
    if not user.is_active or user.is_staff:
        return user.is_active
    return user.email in map(normalised_email, listed(secret.get("admin_emails", default="")))


class AccessTokens:
    """Issues and reads access tokens, which are good for nothing outside of the environment of the settings."""

    def __init__(
        self, keys: KeyRing, settings: ApiSettings, store: Store, secret: Secret, *, seconds: Callable[[], float]
    ) -> None:
        audience, lifetime_seconds = settings.environment, settings.access_token_minutes * 60
        rules = TokenRules("algoitny", audience, required=("typ", "ver"), leeway_seconds=30)
        self._tokens = tokens.AccessTokens(TokenSigner(keys, rules, seconds), lifetime_seconds, self._principal)
        self._store, self._secret = store, secret

    def issue(self, user: User) -> IssuedToken:
        """A token for a user who is signed in now. Raises what reading the keys raises."""
        return self._tokens.issue(str(user.user_id), typ=KIND, ver=user.token_version)

    def read(self, text: str) -> Principal:
        """Who sent it, now. Raises TokenRefused, TokenExpired, AccountDisabled, TokenRevoked. 1 request; 1 RRU."""
        return self._tokens.read(text)

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        subject, version = claims["sub"], claims["ver"]
        if claims["typ"] != KIND or type(version) is not int or not (isinstance(subject, str) and subject.isdecimal()):
            raise TokenRefused
        found = self._store.get(GET_USER_BY_ID, user_id=int(subject))
        user = unchanged_account(found, version, changed=TokenRevoked)
        return Principal(user, is_administrator(user, self._secret))


_REQUIRED: Final = signed_in(AccessTokens)


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
type Visitor = Annotated[Principal | None, maybe_signed_in(AccessTokens)]
"""The caller, None for who brings no token; a wrong one is refused as where it is required."""
