"""Whether the function could serve a request now."""

from collections.abc import Callable
from dataclasses import dataclass

from lambda_src.errors import AppError
from lambda_src.services.nbhd_city.errors import NotReady
from lambda_src.services.nbhd_city.repository.profiles import ProfileRepository


@dataclass(frozen=True, slots=True)
class Readiness:
    """check_keys: raises when there is no key for tokens."""

    profiles: ProfileRepository
    check_keys: Callable[[], object]

    def check(self) -> None:
        """Raises NotReady when the table or the secret does not answer. 1 request."""
        try:
            self.check_keys()
            self.profiles.probe_table()
        except AppError as exc:
            raise NotReady from exc
