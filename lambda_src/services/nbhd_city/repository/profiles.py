"""Stored profiles."""

from collections.abc import Iterable, Mapping

from lambda_src.dynamo.errors import ConditionFailed
from lambda_src.dynamo.updates import Update
from lambda_src.services.nbhd_city.errors import ProfileExists, ProfileNotFound
from lambda_src.services.nbhd_city.models import Did, Profile
from lambda_src.services.nbhd_city.repository.base import ABSENT, EXISTS, Context
from lambda_src.services.nbhd_city.tables import MAIN, PROFILE


class ProfileRepository:
    """Access patterns of profiles, and the probe of the table."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def profile_of_user(self, user_id: Did) -> Profile | None:
        """The profile as it is this instant. 1 request."""
        item = self._store.get(MAIN, _key(user_id), consistent=True)
        return None if item is None else Profile.from_item(item)

    def profiles_of_users(self, user_ids: Iterable[Did]) -> dict[Did, Profile]:
        """Those that exist. 1 request per 100."""
        items = self._store.batch_get((MAIN, _key(user_id)) for user_id in user_ids)
        return {item["user_id"]: Profile.from_item(item) for item in items}

    def create_profile(self, user_id: Did, handle: str, texts: Mapping[str, str]) -> Profile:
        """Add a profile; empty texts are left out. Raises ProfileExists. 1 request."""
        now = self._context.now()
        item = {
            **_key(user_id),
            **{name: text for name, text in texts.items() if text},
            "entity_type": "user",
            "user_id": user_id,
            "handle": handle,
            "created_at": now,
            "updated_at": now,
        }
        try:
            self._store.put(MAIN, item, condition=ABSENT, return_old=True)
        except ConditionFailed as exc:
            if exc.item != item:  # else it is ours: an answer got lost and the store tried again
                raise ProfileExists from exc
        return Profile.from_item(item)

    def update_profile(self, user_id: Did, changes: Mapping[str, str]) -> Profile:
        """Change what is given; an empty text clears its field. Raises ProfileNotFound. 1 request."""
        update = Update().set(updated_at=self._context.now())
        for name, text in changes.items():
            update = update.set(**{name: text}) if text else update.remove(name)
        try:
            item = self._store.update(MAIN, _key(user_id), update, condition=EXISTS, returning="ALL_NEW")
        except ConditionFailed as exc:
            raise ProfileNotFound from exc
        return Profile.from_item(item)

    def probe_table(self) -> None:
        """Raises StoreUnavailable or StoreError when the table does not answer. 1 request, for an item nobody has."""
        self._store.get(MAIN, {"PK": "HEALTH", "SK": "HEALTH"})


def _key(user_id: Did) -> dict[str, str]:
    return MAIN.key(PROFILE, user_id=user_id)
