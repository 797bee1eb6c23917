"""Stored profiles: what users tell of themselves."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from lambda_src.errors import AppError
from lambda_src.services.nbhd_city.errors import ProfileNotFound, UserNotFound
from lambda_src.services.nbhd_city.models import INVALID_HANDLE, Caller, Did, LiveProfile, Profile
from lambda_src.services.nbhd_city.repository.profiles import ProfileRepository
from lambda_src.services.nbhd_city.rules.dids import is_did

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProfileService:
    """Use cases of profiles. live_profile: asks BlueSky; raises an AppError when that has no answer."""

    profiles: ProfileRepository
    live_profile: Callable[[Did], LiveProfile]

    def own(self, caller: Did) -> Profile:
        """The caller's profile. Raises ProfileNotFound, which asks for onboarding. 1 request."""
        profile = self.profiles.profile_of_user(caller)
        if profile is None:
            raise ProfileNotFound
        return profile

    def of_user(self, user_id: str) -> Profile:
        """Anybody's profile. Raises UserNotFound. 1 request, none for what is no DID."""
        profile = self.profiles.profile_of_user(Did(user_id)) if is_did(user_id) else None
        if profile is None:
            raise UserNotFound
        return profile

    def of_users(self, user_ids: Iterable[str]) -> dict[Did, Profile]:
        """Those of up to 100 users that exist. 1 request."""
        return self.profiles.profiles_of_users(Did(user_id) for user_id in user_ids)

    def create(self, caller: Caller, texts: Mapping[str, str]) -> Profile:
        """The onboarding. texts: by attribute, empty ones as if not given. Raises ProfileExists. 1 request."""
        return self.profiles.create_profile(caller.did, caller.handle or self._handle(caller.did), texts)

    def update(self, caller: Did, changes: Mapping[str, str]) -> Profile:
        """Change what is given; an empty text clears its field. Raises ProfileNotFound. 1 request."""
        return self.profiles.update_profile(caller, changes)

    def _handle(self, user_id: Did) -> str:
        try:
            return self.live_profile(user_id).handle
        except AppError as error:
            logger.warning("handle could not be asked for", extra={"code": error.code})
            return INVALID_HANDLE
