"""Accounts as administrators see to them, and the one that a deployment begins with."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lambda_src.errors import AppError
from lambda_src.runtime.accounts.passwords import Passwords, refuse_weak
from lambda_src.runtime.tokens import TokenRefused
from lambda_src.services.yoto_smart_stream.accounts.repository import UserRepository
from lambda_src.services.yoto_smart_stream.errors import ConfigurationError, EmptyUpdate, UserNotFound
from lambda_src.services.yoto_smart_stream.models import UserRecord
from lambda_src.services.yoto_smart_stream.names import username_key, valid_username

if TYPE_CHECKING:
    from lambda_src.runtime.secrets import Secret

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AccountService:
    """What administrators do, and users with their own. by: whoever does it, for the log."""

    users: UserRepository
    passwords: Passwords

    def of_id(self, user_id: int) -> UserRecord:
        """The user of this id. Raises UserNotFound. 2 requests, also directly after the user was created."""
        user = self.users.get_user_by_id(user_id)
        if user is None:
            raise UserNotFound
        return user

    def create(self, *, username: str, password: str, email: str | None, is_admin: bool, by: UserRecord) -> UserRecord:
        """Add a user, who has to choose another password. 2 requests.

        Raises WeakPassword, UsernameTaken, EmailTaken.
        """
        refuse_weak(password, username=username, email=email)
        user = self.users.create_user(
            username, self.passwords.hash(password), email, is_admin, must_change_password=True
        )
        logger.info("user created", extra={"user_id": user.user_id, "by": by.user_id})
        return user

    def change(self, user_id: int, given: Mapping[str, Any], *, by: UserRecord) -> UserRecord:
        """Change what is given: `email` (None removes it), `password`, `is_active`, `is_admin`. 3 requests.

        Raises EmptyUpdate, UserNotFound, WeakPassword, EmailTaken, LastAdmin, VersionConflict.
        """
        if not given:
            raise EmptyUpdate
        found = self.of_id(user_id)
        changes = dict(given)
        password = changes.pop("password", None)
        if password is not None:
            refuse_weak(password, username=found.username, email=changes.get("email", found.email))
            changes |= {"hashed_password": self.passwords.hash(password), "must_change_password": True}
        user = self.users.change_user(found, lambda stored: replace(stored, **changes))
        if user is None:
            raise UserNotFound
        logger.info("user changed", extra={"user_id": user_id, "by": by.user_id, "fields": sorted(given)})
        return user

    def delete(self, user_id: int, *, by: UserRecord) -> None:
        """Remove a user. Raises UserNotFound, LastAdmin, VersionConflict. 3 requests."""
        if not self.users.delete_user(user_id):
            raise UserNotFound
        logger.info("user deleted", extra={"user_id": user_id, "by": by.user_id})

    def of_name(self, username: str) -> UserRecord | None:
        """Who has this name, as stored this instant. 1 request, none for what is no name."""
        return self.users.get_user(username)

    def keep_hash(self, user: UserRecord, new_hash: str) -> None:
        """Keep another hash of the password that a user has, unless that was changed meanwhile. 1 request."""
        self.users.set_password_hash(user.username_key, user.hashed_password, new_hash)

    def choose_password(self, user: UserRecord, password: str) -> UserRecord:
        """The password that a user, as read, wants. All tokens so far are void. 1 request.

        Raises TokenRefused when what the user may do, or the password, was changed meanwhile: whoever did that, an
        administrator who locks a thief out for example, did so with a reason.
        """
        hashed = self.passwords.hash(password)

        def chosen(stored: UserRecord) -> UserRecord:
            if stored.token_version != user.token_version:
                raise TokenRefused
            return replace(stored, hashed_password=hashed, must_change_password=False)

        written = self.users.change_user(user, chosen)
        if written is None:
            raise TokenRefused
        logger.info("password changed", extra={"user_id": user.user_id})
        return written


@dataclass(slots=True)
class Bootstrap:
    """The administrator of a deployment that has none, with the name and password of a generated secret.

    secret: holds `username` and `password`; None where there is none, and then nobody is made.
    """

    users: UserRepository
    hash: Callable[[str], str]
    secret: "Secret | None"
    _is_settled: bool = field(default=False, init=False)

    def ensure(self) -> UserRecord | None:
        """Make the administrator where one is needed; see `UserRepository.ensure_admin_user`.

        Raises ConfigurationError when the secret cannot be read, and what is raised there. 1 request once somebody can
        sign in as an administrator under the secret's name; 2 and those of what is done otherwise.
        """
        if self.secret is None:
            return None
        username, password = _account(self.secret)
        found = self.users.get_user(username)
        if found is not None and found.counts_as_admin:
            return found  # the usual case, without the 20 ms that a hash takes
        return self.users.ensure_admin_user(self.hash(password), username=username)

    def before_sign_in(self, name: str) -> None:
        """The same for somebody who signs in with the secret's name before any administrator could.

        1 request in the life of a process, since the last administrator stays; a few until there is one.
        """
        if self._is_settled or self.secret is None:
            return
        self._is_settled = self.users.count_admins() > 0
        if not self._is_settled and username_key(name) == username_key(_account(self.secret)[0]):
            self.ensure()


def _account(secret: "Secret") -> tuple[str, str]:
    """Name and password. Raises ConfigurationError."""
    try:
        return valid_username(secret.get("username")), secret.get("password")
    except AppError as exc:
        raise ConfigurationError("The server cannot read the account of its first administrator") from exc
