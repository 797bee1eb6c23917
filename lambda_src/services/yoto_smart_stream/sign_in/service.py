"""Signing in by name and password, staying signed in, and choosing another password.

Whatever is wrong with a name or password, the answer, its time and what it counts for are the same: a name that nobody
has, that is no name, or that cannot sign in is checked against a hash that nothing matches.
"""

import logging
from dataclasses import dataclass, field
from typing import Final

from lambda_src.runtime.accounts.passwords import Passwords, WeakPassword, folded, normalized, refuse_weak
from lambda_src.runtime.accounts.refresh import Lifetimes, RefreshInvalid, RefreshTokens
from lambda_src.runtime.accounts.throttle import SignInThrottle
from lambda_src.runtime.bearer import AccountDisabled, unchanged_account
from lambda_src.runtime.metrics import Metrics
from lambda_src.runtime.tokens import IssuedToken
from lambda_src.services.yoto_smart_stream.accounts.service import AccountService, Bootstrap
from lambda_src.services.yoto_smart_stream.errors import InvalidCredentials
from lambda_src.services.yoto_smart_stream.models import UserRecord, UserSignIn
from lambda_src.services.yoto_smart_stream.names import username_key
from lambda_src.services.yoto_smart_stream.principals import AccessTokens
from lambda_src.services.yoto_smart_stream.settings import Counts

logger = logging.getLogger(__name__)

_DAY: Final = 86_400
LIFETIMES: Final = Lifetimes(idle_seconds=14 * _DAY, absolute_seconds=30 * _DAY)


@dataclass(frozen=True, slots=True)
class Session:
    """Both tokens of a sign-in, and whose they are."""

    access: IssuedToken = field(repr=False)
    refresh: IssuedToken = field(repr=False)
    user: UserRecord = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignInService:
    accounts: AccountService
    passwords: Passwords
    throttle: SignInThrottle
    refresh_tokens: RefreshTokens[UserSignIn]
    access_tokens: AccessTokens
    bootstrap: Bootstrap
    metrics: Metrics

    def sign_in(self, username: str, password: str, *, address: str) -> Session:
        """A session for a name and its password. address: where the request comes from.

        Raises TooManyAttempts, InvalidCredentials, AccountDisabled for the right password only. 4 requests: counters,
        user, the counter that is cleared, the sign-in; 1 more in the life of a process, and 1 for a hash that is
        replaced. A failure takes 4 as well, up to 10 when it is one too many.
        """
        name = username_key(username) or folded(username)
        user = self.throttle.attempt(name, address, lambda: self._verified(username, password, name))
        if user is None:
            self.metrics.count(Counts.SIGN_IN_FAILURE)
            raise InvalidCredentials
        logger.info("signed in", extra={"user_id": user.user_id})
        return self._begun(user)

    def refresh(self, token: str) -> Session:
        """The session that goes on. Raises RefreshInvalid, RefreshReused. 3 requests."""
        user, issued = self.refresh_tokens.refresh(token, self._owner)
        return Session(self.access_tokens.issue(user), issued, user)

    def sign_out(self, token: str) -> None:
        """End the sign-in of a refresh token, if it is one. 1 request, none for what is no token."""
        try:
            self.refresh_tokens.end(token)
        except RefreshInvalid:
            return

    def change_password(self, user: UserRecord, *, current: str, new: str, address: str) -> Session:
        """Another password for a user as read, and a new session; all tokens so far are void.

        Raises WeakPassword, TooManyAttempts, InvalidCredentials, which counts as a failure to sign in does, and
        what `choose_password` raises. 4 requests.
        """
        refuse_weak(new, username=user.username, email=user.email)
        if normalized(new) == normalized(current):
            raise WeakPassword("The new password must be another than the current one")
        right = self.throttle.attempt(user.username_key, address, lambda: self._with_password(user, current))
        if right is None:
            raise InvalidCredentials
        return self._begun(self.accounts.choose_password(user, new))

    def _verified(self, username: str, password: str, name: str) -> UserRecord | None:
        """Whose name and password these are. Raises AccountDisabled."""
        self.bootstrap.before_sign_in(username)
        user = self.accounts.of_name(username)
        stored = None if user is None else user.hashed_password
        checked = self.passwords.check(password, stored, name=name)
        if user is None or not checked.is_right:
            return None
        if not user.is_active:
            raise AccountDisabled
        if checked.new_hash is not None:
            self.accounts.keep_hash(user, checked.new_hash)
        return user

    def _with_password(self, user: UserRecord, password: str) -> UserRecord | None:
        right = self.passwords.check(password, user.hashed_password, name=user.username_key).is_right
        return user if right else None

    def _owner(self, found: UserSignIn) -> UserRecord:
        user = self.accounts.of_name(found.username_key)
        if user is not None and user.user_id != found.user_id:  # the name went to somebody else
            raise RefreshInvalid
        return unchanged_account(user, found.token_version, disabled=RefreshInvalid, changed=RefreshInvalid)

    def _begun(self, user: UserRecord) -> Session:
        whose = {"user_id": user.user_id, "username_key": user.username_key}
        refresh = self.refresh_tokens.begin(token_version=user.token_version, **whose)
        return Session(self.access_tokens.issue(user), refresh, user)
