"""Signing in with Google, staying signed in, and signing out.

An account is found by its Google account, else by its address, both as stored this instant: an index may not know yet
who came a moment ago. Of many first sign-ins at once one creates the account and the others find it. An account of the
same address without a Google account gets this one, since Google has verified the address; one with another is left
alone.
"""

import logging
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from lambda_src.errors import Conflict, NotAllowed, NotAuthenticated, StoreUnavailable
from lambda_src.runtime.accounts.refresh import Lifetimes, RefreshTokens
from lambda_src.runtime.bearer import AccountDisabled, unchanged_account
from lambda_src.runtime.clock import Clock, epoch_ms
from lambda_src.runtime.metrics import Metrics
from lambda_src.runtime.tokens import IssuedToken
from lambda_src.services.algoitny.errors import AccountConflict, PlanNotFound, TokenRevoked, UserNotFound
from lambda_src.services.algoitny.models.plans import FREE_PLAN_ID
from lambda_src.services.algoitny.models.users import User, UserSignIn
from lambda_src.services.algoitny.principals import AccessTokens
from lambda_src.services.algoitny.settings import DAY_SECONDS, Counts
from lambda_src.services.algoitny.sign_in.clients import Google, GoogleCode, GoogleIdentity
from lambda_src.services.algoitny.users.service import UserService

logger = logging.getLogger(__name__)

GRACE_SECONDS: Final = 10  # pages refresh from several tabs at once
ABSOLUTE_DAYS: Final = 365
_TRIES: Final = 4


def lifetimes(refresh_token_days: int) -> Lifetimes:
    return Lifetimes(refresh_token_days * DAY_SECONDS, ABSOLUTE_DAYS * DAY_SECONDS, GRACE_SECONDS)


@dataclass(frozen=True, slots=True)
class Session:
    """Both tokens of a sign-in, and whose they are."""

    access: IssuedToken = field(repr=False)
    refresh: IssuedToken = field(repr=False)
    user: User = field(repr=False)
    is_new_user: bool = False


@dataclass(frozen=True, slots=True)
class SignInService:
    google: Google
    people: UserService
    refresh_tokens: RefreshTokens[UserSignIn]
    access_tokens: AccessTokens
    clock: Clock
    metrics: Metrics

    def sign_in(self, proof: str | GoogleCode, *, plan: str | None = None) -> Session:
        """A session for who proves to be somebody at Google, by an ID token or a code.

        plan: name of the plan that somebody new chooses; one that nobody may choose counts as none. Raises what
        `Google` raises, AccountDisabled, AccountConflict, StoreUnavailable. 4 requests for a Google account that is
        known, 7 for somebody new; beside them plans, keys and secrets where they are not at hand.
        """
        try:
            identity = self.google.identity(self.google.exchange(proof) if isinstance(proof, GoogleCode) else proof)
            user, is_new = self._account(identity, plan)
        except (NotAuthenticated, NotAllowed, AccountConflict) as refused:
            logger.warning("sign-in failed", extra={"reason": refused.code})
            self.metrics.count(Counts.SIGN_IN_FAILURE)
            raise
        logger.info("signed in", extra={"user_id": user.user_id, "is_new": is_new})
        refresh = self.refresh_tokens.begin(token_version=user.token_version, user_id=user.user_id)
        return Session(self.access_tokens.issue(user), refresh, user, is_new)

    def refresh(self, token: str) -> Session:
        """The session that goes on.

        Raises RefreshInvalid, RefreshReused, AccountDisabled, TokenRevoked; the last two end it. 3 requests.
        """
        user, issued = self.refresh_tokens.refresh(token, self._owner)
        return Session(self.access_tokens.issue(user), issued, user)

    def sign_out(self, token: str, *, all_devices: bool = False) -> None:
        """End the sign-in of a refresh token, or all of its user's. Nothing happens where it is over already.

        Raises RefreshInvalid for what is no token at all. 1 request; all_devices: up to 4 more.
        """
        if all_devices:
            with suppress(NotAuthenticated, NotAllowed, UserNotFound):
                user, _ = self.refresh_tokens.refresh(token, self._owner)  # which only who could go on with it may
                self.people.users.revoke_tokens(user.user_id)
                logger.info("all tokens voided", extra={"user_id": user.user_id})
        self.refresh_tokens.end(token)

    def _owner(self, found: UserSignIn) -> User:
        user = self.people.users.get_user_by_id(found.user_id)
        return unchanged_account(user, found.token_version, changed=TokenRevoked)

    def _account(self, identity: GoogleIdentity, plan: str | None) -> tuple[User, bool]:
        """Whose account it is, and whether it was made for it. Raises AccountDisabled, AccountConflict."""
        for _ in range(_TRIES):
            found = self._found(identity)
            try:
                return (self._created(identity, plan), True) if found is None else (self._seen(found, identity), False)
            except (Conflict, UserNotFound):  # somebody else was quicker: look again
                continue
        raise StoreUnavailable

    def _found(self, identity: GoogleIdentity) -> User | None:
        users = self.people.users
        user = users.get_user_by_google_id(identity.google_id, consistent=True)
        user = user or users.get_user_by_email(identity.email, consistent=True)
        if user is not None and user.google_id not in (None, identity.google_id):
            raise AccountConflict
        return user

    def _seen(self, user: User, identity: GoogleIdentity) -> User:
        """A user who was here before, with what Google says of them now."""
        if not user.is_active:
            raise AccountDisabled
        said = {"name": identity.name, "picture": identity.picture}
        changes = {"last_login_at": epoch_ms(self.clock()), **{name: text for name, text in said.items() if text}}
        if user.google_id is None:
            return self.people.users.link_google_account(user, identity.google_id, changes)
        return self.people.users.update_user(user.user_id, changes)

    def _created(self, identity: GoogleIdentity, plan: str | None) -> User:
        chosen = self.people.catalog.find_by_name(plan) if plan else None
        may_choose = chosen is not None and chosen.is_self_service and not chosen.is_admin_plan
        plan_id = chosen.plan_id if chosen is not None and may_choose else FREE_PLAN_ID
        user: dict[str, Any] = {**asdict(identity), "last_login_at": epoch_ms(self.clock())}
        try:
            return self.people.users.create_user({**user, "subscription_plan_id": plan_id})
        except PlanNotFound:  # the table is new, or the plan takes nobody any more
            self.people.catalog.ensure_defaults()
            return self.people.users.create_user({**user, "subscription_plan_id": FREE_PLAN_ID})
