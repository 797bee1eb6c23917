"""Profiles as BlueSky shows them, kept for five minutes, and for a day in case BlueSky cannot answer."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from lambda_src.runtime.deadline import Deadline
from lambda_src.services.nbhd_city.errors import UpstreamError, UpstreamTimeout
from lambda_src.services.nbhd_city.models import Did, LiveProfile

FRESH_SECONDS: Final = 300.0
STALE_SECONDS: Final = 86_400.0
MAX_ENTRIES: Final = 1_000
CALL_SECONDS: Final = 10.0  # one call, and the one after it when it failed


class Profiles(Protocol):
    """Where profiles come from; `clients.bluesky.BlueSkyClient` is one."""

    def profile(self, did: Did, *, deadline: Deadline) -> LiveProfile: ...


@dataclass(frozen=True, slots=True)
class Seen:
    """A profile and when it was read. is_stale: BlueSky was asked for a newer one and did not answer."""

    profile: LiveProfile
    read_at: float
    is_stale: bool = False


class LiveProfiles:
    """Reads profiles through a cache of this process. monotonic: seconds on a clock that never goes backwards."""

    def __init__(self, profiles: Profiles, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._profiles = profiles
        self._monotonic = monotonic
        self._seen: dict[Did, Seen] = {}  # oldest first
        self._lock = threading.Lock()

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
        return self._keep(Seen(profile, now))

    def profile(self, did: Did) -> LiveProfile:
        """The profile alone; otherwise as `read`."""
        return self.read(did).profile

    def _keep(self, seen: Seen) -> Seen:
        with self._lock:
            self._seen.pop(seen.profile.did, None)
            self._seen[seen.profile.did] = seen
            if len(self._seen) > MAX_ENTRIES:
                del self._seen[next(iter(self._seen))]
        return seen
