"""Who sent a request: access tokens, held against the account as it is stored now, and what routes ask of them."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final

from starlette.requests import Request

from lambda_src.dynamo.store import Store
from lambda_src.runtime import tokens
from lambda_src.runtime.bearer import signed_in, unchanged_account
from lambda_src.runtime.keyring import GeneratedKeys
from lambda_src.runtime.middleware import LOG_FIELDS
from lambda_src.runtime.routing import FromRequest, Provided
from lambda_src.runtime.secrets import SecretMalformed, SecretUnavailable
from lambda_src.runtime.tokens import IssuedToken, TokenRefused, TokenRules, TokenSigner
from lambda_src.services.yoto_smart_stream.errors import (
    AdminRequired,
    ConfigurationError,
    NotOwner,
    PasswordChangeRequired,
)
from lambda_src.services.yoto_smart_stream.models import AudioFileRecord, UserRecord
from lambda_src.services.yoto_smart_stream.names import username_key
from lambda_src.services.yoto_smart_stream.tables import USER_BY_NAME
from lambda_src.signing import KeyRing, SigningKey

ISSUER: Final = "yoto-smart-stream"
LIFETIME_SECONDS: Final = 900


class ServiceKeys(GeneratedKeys):
    """The keys of the service, from which those of each purpose are derived. Raises ConfigurationError."""

    def accepted(self) -> Sequence[SigningKey]:
        try:
            return super().accepted()
        except (SecretUnavailable, SecretMalformed, ValueError) as exc:  # ValueError: too short a key
            raise ConfigurationError("The server cannot read its signing key.") from exc


class AccessTokens:
    """Issues and reads access tokens. environment: of the deployment, outside of which they are good for nothing."""

    def __init__(
        self,
        keys: KeyRing,
        environment: str,
        store: Store,
        *,
        seconds: Callable[[], float],
        make_id: Callable[[], uuid.UUID] = uuid.uuid4,
    ) -> None:
        rules = TokenRules(issuer=ISSUER, audience=environment, required=("usr", "tv"))
        signer = TokenSigner(keys, rules, seconds=seconds)
        self._tokens = tokens.AccessTokens(signer, LIFETIME_SECONDS, self._principal, make_id)
        self._store = store

    def issue(self, user: UserRecord) -> IssuedToken:
        """A token for a user who is signed in now. Raises what reading the keys raises."""
        return self._tokens.issue(str(user.user_id), usr=user.username_key, tv=user.token_version)

    def read(self, text: str) -> UserRecord:
        """Who sent it, as stored this instant. Raises TokenRefused, TokenExpired, AccountDisabled. 1 request; 1 RRU."""
        return self._tokens.read(text)

    def _principal(self, claims: Mapping[str, Any]) -> UserRecord:
        subject, name, version = claims["sub"], claims["usr"], claims["tv"]
        if not isinstance(name, str) or username_key(name) != name or type(version) is not int:
            raise TokenRefused
        found = self._store.get(USER_BY_NAME, username_key=name)
        if found is not None and str(found.user_id) != subject:  # the name went to somebody else
            raise TokenRefused
        return unchanged_account(found, version)


_BEARER: Final = signed_in(AccessTokens)


def _anybody(request: Request, provided: Provided) -> UserRecord:
    user: UserRecord = _BEARER.read(request, provided)
    request.scope[LOG_FIELDS] = {"user_id": user.user_id}
    return user


def _member(request: Request, provided: Provided) -> UserRecord:
    user = _anybody(request, provided)
    if user.must_change_password:
        raise PasswordChangeRequired
    return user


def _admin(request: Request, provided: Provided) -> UserRecord:
    user = _member(request, provided)
    if not user.is_admin:
        raise AdminRequired
    return user


type SignedIn = Annotated[UserRecord, FromRequest(_anybody, _BEARER.security)]
"""The caller, one who has to choose a password first included. Raises TokenMissing and what AccessTokens raises."""
type Member = Annotated[UserRecord, FromRequest(_member, _BEARER.security)]
"""The caller. Also raises PasswordChangeRequired."""
type Admin = Annotated[UserRecord, FromRequest(_admin, _BEARER.security)]
"""The caller, an administrator. Also raises AdminRequired."""


def refuse_others(user: UserRecord, file: AudioFileRecord) -> None:
    """Raises NotOwner for who neither uploaded a file nor is an administrator."""
    if not user.is_admin and file.uploaded_by != user.user_id:
        raise NotOwner
