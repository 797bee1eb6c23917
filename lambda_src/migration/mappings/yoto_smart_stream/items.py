"""The items of an account, a file and a setting, and what they say of their rows on the way back."""

from collections.abc import Iterator, Mapping
from typing import Final, cast

from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.values import Item
from lambda_src.migration.mapping import AddedUp, Restored, Row, Scalar, Stream
from lambda_src.migration.mappings.yoto_smart_stream.rows import AUDIO_FILES, SETTINGS, USERS
from lambda_src.services.yoto_smart_stream.models import (
    AdminGuard,
    AudioFileRecord,
    EmailClaim,
    IdCounter,
    Setting,
    Transcript,
    TranscriptSource,
    TranscriptStatus,
    UserIdClaim,
    UserRecord,
)
from lambda_src.services.yoto_smart_stream.tables import (
    ADMIN_GUARD,
    AUDIO,
    EMAIL_CLAIM,
    ID_COUNTER,
    MAIN,
    SETTING,
    TRANSCRIPT,
    USER,
    USER_ID_CLAIM,
)

ENTITIES: Final = (USER, USER_ID_CLAIM, EMAIL_CLAIM, AUDIO, TRANSCRIPT, SETTING)
CONFIDENTIAL: Final = frozenset({"hashed_password", "transcript", "text", "value", "setting_value"})
"""Attributes and fields whose values no report shows."""

_FLAGS: Final = ("is_active", "is_admin", "must_change_password")
_OF_FILES: Final = (
    "filename", "size", "duration", "content_type", "object_key", "etag", "transcript_chars", "transcript_source",
    "transcript_status", "transcript_error", "transcribed_at", "tts_provider", "tts_voice_id", "tts_model",
    "created_at", "updated_at",
)  # fmt: skip


def streams() -> tuple[Stream, ...]:
    """Accounts first: what a file has to get along with is its name alone."""
    return (
        Stream("users", "SELECT * FROM users WHERE reject IS NULL ORDER BY id", _user_items, source=USERS),
        Stream("audio files", "SELECT * FROM audio_files WHERE reject IS NULL ORDER BY id", _audio_items, AUDIO_FILES),
        Stream("settings", "SELECT * FROM settings WHERE reject IS NULL ORDER BY id", _setting_items, SETTINGS),
    )


def added_up() -> tuple[AddedUp, ...]:
    """The newest id, and how many administrators can sign in: of all accounts, also of those that were there."""
    counter = {**ID_COUNTER.item(IdCounter(0)), "last_id": 0}
    guard = {**ADMIN_GUARD.item(AdminGuard(0)), "active_admins": 0}
    return (
        AddedUp(MAIN, _without(counter, "last_id"), "last_id", _id_of, is_least=True),
        AddedUp(MAIN, _without(guard, "active_admins"), "active_admins", _counts),
    )


def _without(item: Item, number: str) -> Item:
    return {name: value for name, value in item.items() if name != number}


def _id_of(item: Item) -> int | None:
    if USER.has_key(item):
        return USER.model(item).user_id
    return USER_ID_CLAIM.model(item).user_id if USER_ID_CLAIM.has_key(item) else None


def _counts(item: Item) -> int | None:
    return int(USER.model(item).counts_as_admin) if USER.has_key(item) else None


# ---- items -----------------------------------------------------------------------------------------------------------


def _user_items(row: Row) -> Iterator[tuple[Table, Item]]:
    user = UserRecord(
        user_id=_integer(row["user_id"]),
        username=str(row["username"]),
        email=_text(row["email"]),
        hashed_password=str(row["hashed_password"]),
        is_active=bool(row["is_active"]),
        is_admin=bool(row["is_admin"]),
        must_change_password=bool(row["must_change_password"]),
        created_at=str(row["created_at"]),
        updated_at=str(row["updated_at"]),
    )
    yield MAIN, USER.item(user)
    yield MAIN, USER_ID_CLAIM.item(UserIdClaim(user.user_id, user.username_key))
    if user.email_key is not None:
        yield MAIN, EMAIL_CLAIM.item(EmailClaim(user.email_key, user.user_id, user.username_key))


def _audio_items(row: Row) -> Iterator[tuple[Table, Item]]:
    file = AudioFileRecord(
        filename=str(row["filename"]),
        size=_integer(row["size"]),
        content_type=str(row["content_type"]),
        created_at=str(row["created_at"]),
        updated_at=str(row["updated_at"]),
        duration=None if row["duration"] is None else _integer(row["duration"]),
        object_key=_text(row["object_key"]),
        etag=_text(row["etag"]),
        transcript_chars=None if row["transcript_chars"] is None else _integer(row["transcript_chars"]),
        transcript_source=cast("TranscriptSource | None", row["transcript_source"]),
        transcript_status=cast("TranscriptStatus", row["transcript_status"]),
        transcript_error=_text(row["transcript_error"]),
        transcribed_at=_text(row["transcribed_at"]),
        tts_provider=_text(row["tts_provider"]),
        tts_voice_id=_text(row["tts_voice_id"]),
        tts_model=_text(row["tts_model"]),
    )
    yield MAIN, AUDIO.item(file)
    if row["transcript"] is not None:
        yield MAIN, TRANSCRIPT.item(Transcript(file.filename, str(row["transcript"])))


def _setting_items(row: Row) -> Iterator[tuple[Table, Item]]:
    yield MAIN, SETTING.item(Setting(str(row["key"]), str(row["value"]), str(row["updated_at"])))


def _integer(value: Scalar) -> int:
    assert isinstance(value, int)
    return value


def _text(value: Scalar) -> str | None:
    return None if value is None else str(value)


# ---- the way back ----------------------------------------------------------------------------------------------------


def owns(_: Table, key: Mapping[str, str]) -> bool:
    """Sign-ins, tickets, jobs and links are not from SQL; the numbers of `added_up` follow from all accounts."""
    return any(entity.has_key(key) for entity in ENTITIES)


def restore(_: Table, item: Item) -> Restored | None:
    """See `Restored`. Of a file without a row nothing goes back."""
    if USER.has_key(item):
        return Restored(USERS, _of_user(USER.model(item)))
    if AUDIO.has_key(item):
        file = AUDIO.model(item)
        return Restored(AUDIO_FILES, {name: getattr(file, name) for name in _OF_FILES})
    if TRANSCRIPT.has_key(item):
        text = TRANSCRIPT.model(item)
        return Restored(AUDIO_FILES, {"filename": text.filename, "transcript": text.text}, is_part=True)
    if SETTING.has_key(item):
        found = SETTING.model(item)
        fields = {"key": found.setting_key, "value": found.setting_value, "created_at": found.updated_at}
        return Restored(SETTINGS, {**fields, "updated_at": found.updated_at})
    return None  # claims repeat what their account says


def _of_user(user: UserRecord) -> dict[str, Scalar]:
    return {
        "user_id": user.user_id,
        "username": user.username,
        "email": user.email,
        "hashed_password": user.hashed_password,
        **{name: int(getattr(user, name)) for name in _FLAGS},
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    }
