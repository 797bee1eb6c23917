"""Writes of stored profiles."""

from collections.abc import Mapping
from dataclasses import dataclass

from lambda_src.dynamo.errors import ConditionFailed
from lambda_src.dynamo.store import ABSENT, EXISTS, Put, Store, Update, UpdateItem
from lambda_src.runtime.clock import Clock
from lambda_src.services.nbhd_city.errors import ProfileExists, ProfileNotFound
from lambda_src.services.nbhd_city.models import Did, Profile, timestamp
from lambda_src.services.nbhd_city.tables import CREATE_PROFILE, PROFILE, UPDATE_PROFILE


@dataclass(frozen=True, slots=True)
class ProfileRepository:
    """Writes of profiles. texts, changes: by attribute."""

    store: Store
    clock: Clock

    def create_profile(self, user_id: Did, handle: str, texts: Mapping[str, str]) -> Profile:
        """Add a profile; empty texts are left out. Raises ProfileExists. 1 request."""
        now = timestamp(self.clock())
        given = {name: text for name, text in texts.items() if text}
        profile = Profile(user_id=user_id, handle=handle, created_at=now, updated_at=now, **given)
        try:
            self.store.put(CREATE_PROFILE, Put(PROFILE, profile, ABSENT, return_old=True))
        except ConditionFailed as exc:
            if exc.item != PROFILE.item(profile):  # else it is ours: an answer got lost and the store tried again
                raise ProfileExists from exc
        return profile

    def update_profile(self, user_id: Did, changes: Mapping[str, str]) -> Profile:
        """Change what is given; an empty text clears its field. Raises ProfileNotFound. 1 request."""
        update = Update().set(updated_at=timestamp(self.clock())).assign(changes)
        write = UpdateItem(PROFILE.key(user_id=user_id), update, EXISTS)
        try:
            item = self.store.update(UPDATE_PROFILE, write, returning="ALL_NEW")
        except ConditionFailed as exc:
            raise ProfileNotFound from exc
        return PROFILE.model(item)
