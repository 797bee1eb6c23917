"""Password sign-in of test users, for environments that are not production."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lambda_src.services.nbhd_city.errors import InvalidCredentials, NotReady
from lambda_src.services.nbhd_city.models import Did, Identity
from lambda_src.services.nbhd_city.rules.dids import is_did


@dataclass(frozen=True, slots=True)
class TestLogin:
    """users: those of the secret, with `username`, `password`, `did` and maybe `handle`."""

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
            raise InvalidCredentials("User name or password is wrong")
        did = found.get("did", "")
        if not is_did(did):
            raise NotReady
        return Identity(Did(did), found.get("handle") or None)


def _same(known: str, given: str) -> bool:
    return hmac.compare_digest(known.encode(), given.encode())
