"""What both ways to talk to an authorization server share: what begins with one, and what comes back from it."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.outside import Answer
from lambda_src.services.nbhd_city.clients.upstream import json_object
from lambda_src.services.nbhd_city.errors import ExchangeFailed, UpstreamUnavailable
from lambda_src.services.nbhd_city.models import Identity, OAuthState

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

    def begin(self, attempt: Attempt, *, deadline: Deadline) -> Beginning:
        """Announce a sign-in."""
        ...

    def identify(self, back: Return, state: OAuthState, *, deadline: Deadline) -> Identity:
        """Exchange the code, and prove who it stands for. What the server issued is dropped after that."""
        ...


def authorization_form(attempt: Attempt, *, client_id: str, redirect_uri: str) -> dict[str, str]:
    """The parameters that begin a sign-in."""
    form = {
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "scope": SCOPE,
        "state": attempt.state,
        "code_challenge": attempt.challenge,
        "code_challenge_method": "S256",
    }
    if attempt.handle:
        form["login_hint"] = attempt.handle
    return form


def exchange_form(back: Return, state: OAuthState, *, client_id: str, redirect_uri: str) -> dict[str, str]:
    """The parameters that exchange a code."""
    return {
        "grant_type": "authorization_code",
        "code": back.code,
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "code_verifier": state.code_verifier,
    }


def granted(answer: Answer) -> dict[str, Any]:
    """What the token endpoint says. Raises ExchangeFailed when it refuses, UpstreamUnavailable."""
    if answer.status >= 500:
        raise UpstreamUnavailable(f"The token endpoint answered with status {answer.status}")
    if answer.status != 200:
        raise ExchangeFailed(f"The token endpoint answered with status {answer.status}")
    return json_object(answer)
