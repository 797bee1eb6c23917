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
from lambda_src.services.algoitny.settings import ApiSettings, listed
from lambda_src.services.algoitny.users.rules import MAX_NAME, valid_email

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


@dataclass(frozen=True, slots=True)
class Google:
    """client_id: who exchanges codes. redirect_uris: one of which a code is bound to, letter for letter: beside
    addresses `postmessage` is one, where a script of Google's hands the code over. secret: with `google_client_secret`.
    """

    http: Http
    tokens: IdTokens
    token_url: str
    client_id: str
    redirect_uris: frozenset[str]
    secret: Secret

    def identity(self, id_token: str) -> GoogleIdentity:
        """Who an ID token is about. Raises InvalidGoogleToken, EmailUnverified, GoogleUnavailable. 0 or 1 request."""
        try:
            return _identity(self.tokens.read(id_token))
        except KeysUnavailable as exc:
            raise GoogleUnavailable from exc
        except (TokenRefused, InvalidInput) as exc:
            raise InvalidGoogleToken from exc

    def exchange(self, given: GoogleCode) -> str:
        """The ID token for a code, which is used up whatever comes of it: 1 request, never repeated.

        Raises BadRequest for an address that is not ours, InvalidGoogleToken for a code that is wrong or over,
        GoogleUnavailable for everything else that is no token.
        """
        if given.redirect_uri not in self.redirect_uris:
            raise BadRequest("This redirect_uri is not one of ours")
        form = {
            "grant_type": "authorization_code",
            "code": given.code,
            "client_id": self.client_id,
            "client_secret": self.secret.get("google_client_secret", default=""),
            "redirect_uri": given.redirect_uri,
        }
        if given.verifier is not None:
            form["code_verifier"] = given.verifier
        call = Call("exchange code", "", EXCHANGE_TIMEOUT_SECONDS, form=form)
        try:
            answer = self.http.exchange(self.token_url, call, provider=PROVIDER)
        except NoAnswer as exc:
            raise GoogleUnavailable from exc
        body = decode_or_none(answer.content)
        token, error = text_at(body, "id_token"), text_at(body, "error")
        if answer.status == 200 and token is not None:
            return token
        if answer.status == 400 and error == "invalid_grant":
            raise InvalidGoogleToken
        self._note(answer.status, error)
        raise GoogleUnavailable

    def _note(self, status: int, error: str | None) -> None:
        """Say what is wrong with our set-up, or with Google; a client secret may have been replaced meanwhile."""
        logger.warning("code not exchanged", extra={"status": status, "error": clean_text(error or "", 100)})
        if error == "invalid_client":
            self.secret.refresh()


def google_of(settings: ApiSettings, http: Http, secret: Secret, *, seconds: Callable[[], float]) -> Google:
    """Google as the settings have it; the first client id is the one that exchanges codes."""
    client_ids = listed(settings.google_client_ids)
    keys = PublishedKeys(http, settings.google_jwks_url, provider=PROVIDER, seconds=seconds)
    return Google(
        http,
        IdTokens(keys, ISSUERS, frozenset(client_ids), seconds),
        settings.google_token_url,
        client_ids[0] if client_ids else "",
        frozenset(listed(settings.google_redirect_uris)),
        secret,
    )


def _identity(claims: Mapping[str, Any]) -> GoogleIdentity:
    """Raises InvalidGoogleToken or InvalidInput for what is no identity, EmailUnverified."""
    subject, email = claims["sub"], text_at(claims, "email")
    if email is None or not _SUBJECT.fullmatch(subject) or _is_ascii_in_lower_case_only(email):
        raise InvalidGoogleToken
    verified = claims.get("email_verified")
    if verified is not True and verified != "true":
        raise EmailUnverified
    picture = text_at(claims, "picture") or ""
    return GoogleIdentity(
        google_id=subject,
        email=valid_email(email),
        name=clean_text(text_at(claims, "name") or "", MAX_NAME),
        picture=picture if len(picture) <= MAX_PICTURE and _PICTURE.fullmatch(picture) else "",
    )


def _is_ascii_in_lower_case_only(email: str) -> bool:
    """Whether it would be found as an address that it is not: the Kelvin sign, for one, is a `k` in lower case."""
    return not email.isascii() and email.lower().isascii()
