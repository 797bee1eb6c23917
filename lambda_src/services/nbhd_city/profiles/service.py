"""Profiles: what users tell of themselves, and what BlueSky shows of them now."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from lambda_src.dynamo.store import Store
from lambda_src.errors import AppError
from lambda_src.runtime.deadline import Deadline
from lambda_src.services.nbhd_city.clients import BlueSkyClient
from lambda_src.services.nbhd_city.errors import ProfileNotFound, UpstreamError, UpstreamTimeout, UserNotFound
from lambda_src.services.nbhd_city.models import INVALID_HANDLE, Did, LiveProfile, Principal, Profile, is_did
from lambda_src.services.nbhd_city.profiles.repository import ProfileRepository
from lambda_src.services.nbhd_city.tables import PROFILE, PROFILE_OF_USER, PROFILES_OF_USERS

logger = logging.getLogger(__name__)

FRESH_SECONDS: Final = 300.0
STALE_SECONDS: Final = 86_400.0
MAX_ENTRIES: Final = 1_000
CALL_SECONDS: Final = 10.0  # one call, and the one after it when it failed


@dataclass(frozen=True, slots=True)
class Seen:
    """A profile and when it was read. is_stale: BlueSky was asked for a newer one and did not answer."""

    profile: LiveProfile
    read_at: float
    is_stale: bool = False


class LiveProfiles:
    """Profiles as BlueSky shows them, kept for five minutes, and for a day in case BlueSky cannot answer.

    monotonic: seconds on a clock that never goes backwards.
    """

    def __init__(self, profiles: BlueSkyClient, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._profiles = profiles
        self._monotonic = monotonic
        self._seen: dict[Did, Seen] = {}  # oldest first

    def read(self, did: Did, *, deadline: Deadline | None = None) -> Seen:
        """The profile, at most five minutes old, or a day where BlueSky has no answer. 0 to 2 requests.

        Raises ProfileNotFound, UpstreamError, UpstreamTimeout.
        """
        now = self._monotonic()
        known = self._seen.get(did)
        if known is not None and now - known.read_at < FRESH_SECONDS:
            return known
        try:
            profile = self._profiles.profile(did, deadline=(deadline or Deadline.after(CALL_SECONDS)))
        except (UpstreamError, UpstreamTimeout):
            if known is None or now - known.read_at >= STALE_SECONDS:
                raise
            return Seen(known.profile, known.read_at, is_stale=True)
        self._seen.pop(did, None)
        if len(self._seen) >= MAX_ENTRIES:
            self._seen.pop(next(iter(self._seen)), None)
        self._seen[did] = seen = Seen(profile, now)
        return seen


@dataclass(frozen=True, slots=True)
class ProfileService:
    store: Store
    profiles: ProfileRepository
    live: LiveProfiles

    def own(self, caller: Did) -> Profile:
        """The caller's profile. Raises ProfileNotFound, which asks for onboarding. 1 request."""
        profile = self.find(caller)
        if profile is None:
            raise ProfileNotFound
        return profile

    def find(self, user_id: Did) -> Profile | None:
        """The profile as it is this instant, None when there is none. 1 request."""
        return self.store.get(PROFILE_OF_USER, user_id=user_id)

    def of_user(self, user_id: str) -> Profile:
        """Anybody's profile. Raises UserNotFound. 1 request, none for what is no DID."""
        profile = self.find(Did(user_id)) if is_did(user_id) else None
        if profile is None:
            raise UserNotFound
        return profile

    def of_users(self, user_ids: Iterable[str]) -> dict[Did, Profile]:
        """Those of up to 100 users that exist. 1 request."""
        found = self.store.batch_get(PROFILES_OF_USERS, [PROFILE.key(user_id=user_id) for user_id in user_ids])
        return {profile.user_id: profile for profile in found}

    def create(self, caller: Principal, texts: Mapping[str, str]) -> Profile:
        """The onboarding. texts: by attribute, empty ones as if not given. Raises ProfileExists. 1 request."""
        return self.profiles.create_profile(caller.did, caller.handle or self._handle(caller.did), texts)

    def update(self, caller: Did, changes: Mapping[str, str]) -> Profile:
        """Change what is given; an empty text clears its field. Raises ProfileNotFound. 1 request."""
        return self.profiles.update_profile(caller, changes)

    def _handle(self, user_id: Did) -> str:
        try:
            return self.live.read(user_id).profile.handle
        except AppError as error:
            logger.warning("handle could not be asked for", extra={"code": error.code})
            return INVALID_HANDLE
