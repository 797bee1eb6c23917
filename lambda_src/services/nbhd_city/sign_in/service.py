"""Signing in through BlueSky, in three steps that may each meet another process.

begin      state, PKCE verifier and a cookie of this browser are made; the browser goes to the authorization server
complete   it comes back; the state is used up, the identity proven, a login code made; the browser goes to the page
redeem     the page brings the login code and gets an access token
"""

import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlencode, urlsplit

from lambda_src.errors import AppError, NotReady
from lambda_src.runtime.clock import Clock
from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.metrics import Metrics
from lambda_src.runtime.tokens import IssuedToken
from lambda_src.services.nbhd_city import errors
from lambda_src.services.nbhd_city.models import Did, Identity, OAuthState, Profile, is_did, timestamp
from lambda_src.services.nbhd_city.principals import AccessTokens, Method
from lambda_src.services.nbhd_city.profiles.service import ProfileService
from lambda_src.services.nbhd_city.settings import ApiSettings
from lambda_src.services.nbhd_city.sign_in.authorization import Attempt, AuthorizationServer, Return
from lambda_src.services.nbhd_city.sign_in.repository import SignInRepository, digest
from lambda_src.signing import to_base64url

logger = logging.getLogger(__name__)

STATE_SECONDS: Final = 600
LOGIN_CODE_SECONDS: Final = 60
SECONDS_IN_ALL: Final = 12.0  # of one step, all calls to outside services together
MAX_VALUE_CHARACTERS: Final = 2048  # of what a browser brings along; ours have 43
COOKIE_PREFIX: Final = "nbhd_login_"
_COOKIE_DIGITS: Final = 12
_RANDOM_BYTES: Final = 32
_VERIFIER_BYTES: Final = 48  # 64 characters
FAILURE_METRIC: Final = "OAuthFailure"
ACCESS_DENIED: Final = "access_denied"


@dataclass(frozen=True, slots=True)
class Started:
    """A sign-in under way: where the browser goes, and the cookie that ties the sign-in to it."""

    url: str = field(repr=False)
    cookie_name: str
    cookie_value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Session:
    """An access token, and the stored profile of whom it names, if there is one."""

    token: IssuedToken = field(repr=False)
    identity: Identity
    profile: Profile | None


@dataclass(frozen=True, slots=True)
class SignIn:
    server: AuthorizationServer
    sign_ins: SignInRepository
    profiles: ProfileService
    tokens: AccessTokens
    clock: Clock
    settings: ApiSettings
    metrics: Metrics
    make_deadline: Callable[[float], Deadline] = Deadline.after

    def begin(self, *, return_url: str | None, handle: str | None) -> Started:
        """Start a sign-in. Raises InvalidReturnUrl, OAuthNotConfigured, SignInFailed, UpstreamTimeout.

        1 request to the table, after those to the authorization server.
        """
        origin = self._return_origin(return_url)
        state, browser_secret = secrets.token_urlsafe(_RANDOM_BYTES), secrets.token_urlsafe(_RANDOM_BYTES)
        verifier = secrets.token_urlsafe(_VERIFIER_BYTES)
        attempt = Attempt(state, challenge(verifier), handle or None)
        beginning = self.server.begin(attempt, deadline=self.make_deadline(SECONDS_IN_ALL))
        now = self.clock()
        content = OAuthState(
            state_digest=digest(state),
            code_verifier=verifier,
            browser_hash=digest(browser_secret),
            return_origin=origin,
            issuer=beginning.issuer,
            issued_at=timestamp(now),
            expires_at=int(now.timestamp()) + STATE_SECONDS,
            dpop_jwk=beginning.dpop_jwk,
            dpop_nonce=beginning.dpop_nonce,
        )
        self.sign_ins.put_oauth_state(content)
        return Started(beginning.url, cookie_name(state), browser_secret)

    def complete(self, given: Mapping[str, str], *, browser_secret: str | None) -> str:
        """Where the browser goes after it came back. given: the query. browser_secret: the cookie of this state.

        Raises InvalidState unless the state is known, unused, in time and of this browser; whatever fails after that is
        told to the page. 1 request to the table to use the state up, 2 more for a success.
        """
        state = given.get("state", "")
        remembered = None
        if state and browser_secret and len(state) <= MAX_VALUE_CHARACTERS:
            remembered = self.sign_ins.consume_oauth_state(state, browser_secret=browser_secret)
        if remembered is None:
            raise errors.InvalidState
        try:
            answer = self._answer(given, remembered)
        except errors.SignInFailed as failure:
            answer = {"error": self._failed(failure.reason, failure)}
        except errors.UpstreamTimeout as failure:
            answer = {"error": self._failed(errors.UpstreamUnavailable.reason, failure)}
        return f"{remembered.return_origin}/callback.html?{urlencode(answer)}"

    def redeem(self, code: str) -> Session:
        """The token for a login code. Raises InvalidGrant. 2 requests."""
        identity = self.sign_ins.consume_login_code(code) if 0 < len(code) <= MAX_VALUE_CHARACTERS else None
        if identity is None:
            raise errors.InvalidGrant
        return self.sign_in(identity, method="bsky")

    def sign_in(self, identity: Identity, *, method: Method) -> Session:
        """A token for a proven identity. 1 request."""
        profile = self.profiles.find(identity.did)
        return Session(self.tokens.issue(identity, method=method), identity, profile)

    def _answer(self, given: Mapping[str, str], remembered: OAuthState) -> dict[str, str]:
        if "error" in given:
            reason = ACCESS_DENIED if given["error"] == ACCESS_DENIED else "oauth_error"
            return {"error": self._failed(reason)}
        code = given.get("code", "")
        if not 0 < len(code) <= MAX_VALUE_CHARACTERS:
            raise errors.ExchangeFailed("The browser brought no code")
        deadline = self.make_deadline(SECONDS_IN_ALL)
        identity = self.server.identify(Return(code, given.get("iss")), remembered, deadline=deadline)
        identity = self._with_handle(identity, deadline)
        logger.info("signed in", extra={"user_id": identity.did, "has_handle": identity.handle is not None})
        if self.settings.callback_mode == "token":
            return {"token": self.tokens.issue(identity, method="bsky").text}
        login_code = secrets.token_urlsafe(_RANDOM_BYTES)
        expires_at = int(self.clock().timestamp()) + LOGIN_CODE_SECONDS
        self.sign_ins.put_login_code(login_code, identity, expires_at=expires_at)
        return {"code": login_code}

    def _with_handle(self, identity: Identity, deadline: Deadline) -> Identity:
        """The identity with the handle of its live profile, which the stored profile learns, too, if there is one.

        Nothing of this can fail the sign-in.
        """
        try:
            seen = self.profiles.live.read(identity.did, deadline=deadline)
            identity = replace(identity, handle=seen.profile.handle)
            self.profiles.update(identity.did, {"handle": seen.profile.handle})
        except errors.ProfileNotFound:
            pass  # not onboarded yet, or unknown to BlueSky's public API
        except AppError as error:
            logger.warning("handle not refreshed", extra={"code": error.code})
        return identity

    def _return_origin(self, return_url: str | None) -> str:
        if not return_url:
            return self.settings.allowed_origins[0]
        try:
            parts = urlsplit(return_url)
        except ValueError as exc:
            raise errors.InvalidReturnUrl from exc
        origin = f"{parts.scheme}://{parts.netloc.lower()}"
        if origin not in self.settings.allowed_origins:
            raise errors.InvalidReturnUrl
        return origin

    def _failed(self, reason: str, failure: AppError | None = None) -> str:
        """Note why a sign-in failed. The texts of our errors hold statuses, and nothing that anybody sent."""
        detail = {} if failure is None else {"detail": failure.detail}
        logger.warning("sign-in failed", extra={"reason": reason, **detail})
        self.metrics.count(FAILURE_METRIC, reason=reason)
        return reason


@dataclass(frozen=True, slots=True)
class TestLogin:
    """Password sign-in of test users, for environments that are not production.

    users: those of the secret, with `username`, `password`, `did` and maybe `handle`.
    """

    users: Callable[[], list[Mapping[str, str]]]

    def identify(self, username: str, password: str) -> Identity:
        """Who has this name and password. Raises InvalidCredentials, NotReady.

        Every user is compared, in the same time whatever was typed; nobody else is asked.
        """
        found = None
        for user in self.users():
            same_name = _same(user.get("username", ""), username)
            if same_name & _same(user.get("password", ""), password):
                found = user
        if found is None or not username or not password:
            raise errors.InvalidCredentials
        did = found.get("did", "")
        if not is_did(did):
            raise NotReady
        return Identity(Did(did), found.get("handle") or None)


def _same(known: str, given: str) -> bool:
    return hmac.compare_digest(known.encode(), given.encode())


def challenge(verifier: str) -> str:
    """S256 of a PKCE verifier: https://www.rfc-editor.org/rfc/rfc7636#section-4.2."""
    return to_base64url(hashlib.sha256(verifier.encode("ascii")).digest())


def cookie_name(state: str) -> str:
    """One per sign-in, so that two tabs do not disturb each other."""
    return f"{COOKIE_PREFIX}{digest(state)[:_COOKIE_DIGITS]}"
