"""Google, as far as signing in goes: who somebody is, by an ID token or by a code that is exchanged for one.

https://developers.google.com/identity/gsi/web/guides/verify-google-id-token
https://developers.google.com/identity/protocols/oauth2/web-server#exchange-authorization-code
"""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lambda_src.errors import BadRequest, InvalidInput
from lambda_src.runtime.accounts.oidc import IdTokens, KeysUnavailable, PublishedKeys
from lambda_src.runtime.outside import Call, Http, NoAnswer
from lambda_src.runtime.providers.decoded import clean_text, decode_or_none, text_at
from lambda_src.runtime.secrets import Secret
from lambda_src.runtime.tokens import TokenRefused
from lambda_src.services.algoitny.errors import EmailUnverified, GoogleUnavailable, InvalidGoogleToken
from lambda_src.services.algoitny.models.users import MAX_NAME, valid_email
from lambda_src.services.algoitny.settings import ApiSettings, listed

logger = logging.getLogger(__name__)

PROVIDER: Final = "Google"
ISSUERS: Final = frozenset({"accounts.google.com", "https://accounts.google.com"})
EXCHANGE_TIMEOUT_SECONDS: Final = 10.0
MAX_ANSWER_BYTES: Final = 65_536
MAX_PICTURE: Final = 2_048
_SUBJECT: Final = re.compile(r"[!-~]{1,255}")
_PICTURE: Final = re.compile(r"https?://[!-~]+")


@dataclass(frozen=True, slots=True)
class GoogleIdentity:
    """Who somebody is, by Google's word. email: verified, and as accounts are found by it. name, picture: or empty."""

    google_id: str
    email: str
    name: str
    picture: str


@dataclass(frozen=True, slots=True)
class GoogleCode:
    """What a page brings back from Google. redirect_uri: that the code was asked with. verifier: of PKCE, or None."""

    code: str = field(repr=False)
    redirect_uri: str
    verifier: str | None = field(default=None, repr=False)


class Google:
    """Google as the settings have it: the first client id exchanges codes, each bound to one of our addresses letter
    for letter; `postmessage` is one, where a script of Google's hands it over. secret: with `google_client_secret`.
    """

    def __init__(self, settings: ApiSettings, http: Http, secret: Secret, *, seconds: Callable[[], float]) -> None:
        self._settings, self._http, self._secret = settings, http, secret
        keys = PublishedKeys(http, settings.google_jwks_url, provider=PROVIDER, seconds=seconds)
        self._client_ids = listed(settings.google_client_ids)
        self._tokens = IdTokens(keys, ISSUERS, frozenset(self._client_ids), seconds)

    def identity(self, id_token: str) -> GoogleIdentity:
        """Who an ID token is about. Raises InvalidGoogleToken, EmailUnverified, GoogleUnavailable. 0 or 1 request."""
        try:
            return _identity(self._tokens.read(id_token))
        except KeysUnavailable as exc:
            raise GoogleUnavailable from exc
        except (TokenRefused, InvalidInput) as exc:
            raise InvalidGoogleToken from exc

    def exchange(self, given: GoogleCode) -> str:
        """The ID token for a code, which is used up whatever comes of it: 1 request, never repeated.

        Raises BadRequest for an address that is not ours, InvalidGoogleToken for a code that is wrong or over,
        GoogleUnavailable for everything else that is no token.
        """
        if given.redirect_uri not in listed(self._settings.google_redirect_uris):
            raise BadRequest("This redirect_uri is not one of ours")
        form = {
            "grant_type": "authorization_code",
            "code": given.code,
            "client_id": next(iter(self._client_ids), ""),
            "client_secret": self._secret.get("google_client_secret", default=""),
            "redirect_uri": given.redirect_uri,
        }
        if given.verifier is not None:
            form["code_verifier"] = given.verifier
        call = Call("exchange code", "", EXCHANGE_TIMEOUT_SECONDS, form=form)
        try:
            answer = self._http.exchange(self._settings.google_token_url, call, provider=PROVIDER)
        except NoAnswer as exc:
            raise GoogleUnavailable from exc
        body = decode_or_none(answer.content)
        token, error = text_at(body, "id_token"), text_at(body, "error")
        if answer.status == 200 and token is not None:
            return token
        if answer.status == 400 and error == "invalid_grant":
            raise InvalidGoogleToken
        logger.warning("code not exchanged", extra={"status": answer.status, "error": clean_text(error or "", 100)})
        if error == "invalid_client":
            self._secret.refresh()  # it may have been replaced meanwhile
        raise GoogleUnavailable


def _identity(claims: Mapping[str, Any]) -> GoogleIdentity:
    """Raises InvalidGoogleToken or InvalidInput for what is no identity, EmailUnverified."""
    subject, email = claims["sub"], text_at(claims, "email")
    if email is None or not _SUBJECT.fullmatch(subject):
        raise InvalidGoogleToken
    if not email.isascii() and email.lower().isascii():  # the Kelvin sign is a `k` in lower case: another address
        raise InvalidGoogleToken
    if claims.get("email_verified") is not True and claims.get("email_verified") != "true":
        raise EmailUnverified
    picture = text_at(claims, "picture") or ""
    return GoogleIdentity(
        google_id=subject,
        email=valid_email(email),
        name=clean_text(text_at(claims, "name") or "", MAX_NAME),
        picture=picture if len(picture) <= MAX_PICTURE and _PICTURE.fullmatch(picture) else "",
    )
