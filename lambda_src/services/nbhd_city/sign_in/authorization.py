"""Authorization servers: what begins with one and comes back from it, and one that is trusted for identity.

`BasicServer` speaks OAuth 2 with PKCE and a client secret. BlueSky's servers want more (`atproto.py`); stand-ins are
content.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlencode

from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.outside import Answer
from lambda_src.runtime.providers.decoded import Json, decode_or_none, text_at
from lambda_src.services.nbhd_city.clients import Upstream, is_out_of_order
from lambda_src.services.nbhd_city.errors import ExchangeFailed, OAuthNotConfigured, UpstreamUnavailable
from lambda_src.services.nbhd_city.models import Did, Identity, OAuthState, is_did
from lambda_src.services.nbhd_city.settings import ApiSettings

SCOPE = "atproto"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that begins. challenge: S256 of the verifier, https://www.rfc-editor.org/rfc/rfc7636."""

    state: str = field(repr=False)
    challenge: str
    handle: str | None  # hint for the server, as somebody typed it


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where to send the browser, and what to remember until it comes back."""

    url: str = field(repr=False)
    issuer: str
    dpop_jwk: str | None = field(default=None, repr=False)
    dpop_nonce: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Return:
    """What the browser came back with."""

    code: str = field(repr=False)
    issuer: str | None


class AuthorizationServer(Protocol):
    """A server that knows who somebody is. Both methods raise SignInFailed, UpstreamTimeout, OAuthNotConfigured."""

    def begin(self, attempt: Attempt, *, deadline: Deadline) -> Beginning: ...

    def identify(self, back: Return, state: OAuthState, *, deadline: Deadline) -> Identity:
        """Exchange the code, and prove who it stands for. What the server issued is dropped after that."""
        ...


def authorization_form(attempt: Attempt, settings: ApiSettings) -> dict[str, str]:
    form = {
        "client_id": settings.client_id,
        "redirect_uri": settings.redirect_uri,
        "response_type": "code",
        "scope": SCOPE,
        "state": attempt.state,
        "code_challenge": attempt.challenge,
        "code_challenge_method": "S256",
    }
    if attempt.handle:
        form["login_hint"] = attempt.handle
    return form


def exchange_form(back: Return, state: OAuthState, settings: ApiSettings) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "code": back.code,
        "client_id": settings.client_id,
        "redirect_uri": settings.redirect_uri,
        "code_verifier": state.code_verifier,
    }


def granted(answer: Answer) -> Json:
    """What the token endpoint says. Raises ExchangeFailed when it refuses, UpstreamUnavailable."""
    if is_out_of_order(answer):
        raise UpstreamUnavailable(f"The token endpoint answered with status {answer.status}")
    if answer.status != 200:
        raise ExchangeFailed(f"The token endpoint answered with status {answer.status}")
    return decode_or_none(answer.content)


@dataclass(frozen=True, slots=True)
class BasicServer:
    """An authorization server that is trusted for identity. client_secret: empty when there is none."""

    upstream: Upstream
    settings: ApiSettings
    client_secret: Callable[[], str]

    def begin(self, attempt: Attempt, *, deadline: Deadline) -> Beginning:  # noqa: ARG002 -- asks nobody
        """Nothing is sent: the browser carries all of it. Raises OAuthNotConfigured without a client secret."""
        self._secret()
        endpoint = self.settings.bluesky_oauth_authorization_endpoint
        return Beginning(f"{endpoint}?{urlencode(authorization_form(attempt, self.settings))}", issuer=endpoint)

    def identify(self, back: Return, state: OAuthState, *, deadline: Deadline) -> Identity:
        """Who the code stands for. 1 request."""
        form = exchange_form(back, state, self.settings) | {"client_secret": self._secret()}
        url = self.settings.bluesky_oauth_token_endpoint
        body = granted(self.upstream.post_form("exchange code", url, form, deadline=deadline, headers={}))
        did = text_at(body, "sub") or text_at(body, "did")
        if did is None or not is_did(did):
            raise ExchangeFailed("The token endpoint does not say who signed in")
        return Identity(Did(did), text_at(body, "handle"))

    def _secret(self) -> str:
        secret = self.client_secret()
        if not secret:
            raise OAuthNotConfigured
        return secret
