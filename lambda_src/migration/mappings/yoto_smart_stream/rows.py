"""Rows of the earlier product: its tables, and one row at a time to clean fields.

SQLite enforces neither lengths nor types, so that any column may hold anything. What cannot be kept of an account or a
file is dropped with a note; a row is rejected where its name cannot be kept. `BEGUN` stands for an instant that could
not be read, until the migration knows when it began.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

from lambda_src.migration.limits import characters
from lambda_src.migration.mapping import Column, Reject, Row, Scalar, SourceTable, Unique, Warn
from lambda_src.migration.mappings.yoto_smart_stream import values
from lambda_src.runtime.accounts.passwords import NO_PASSWORD, Passwords, folded
from lambda_src.services.yoto_smart_stream.errors import InvalidEmail, InvalidFilename, InvalidUsername
from lambda_src.services.yoto_smart_stream.models import STATUSES
from lambda_src.services.yoto_smart_stream.names import content_type_of, valid_email, valid_filename, valid_username
from lambda_src.services.yoto_smart_stream.tables import stored_text
from lambda_src.signing import SigningKey

ADMIN: Final = "admin"
MAX_USER_ID: Final = 2**53 - 1
NO_TEXT: Final = "The source had no transcript text."
TEXT_TOO_LONG: Final = "The transcript was too long to be moved."
MAX_TEXT_BYTES: Final = 1_048_576
MAX_STORED_BYTES: Final = 380 * 1024  # of DynamoDB's 400 KB
KNOWN_SETTINGS: Final = frozenset({"transcription_enabled"})
UNKNOWN_SETTING: Final = "unknown_setting"
INVALID_SETTING: Final = "invalid_setting"

_SHIPPED_PASSWORD: Final = "yoto"  # noqa: S105 -- of the account with which every installation came
_MISSING: Final = "missing"  # the column, not the value
_MAX_HASH_CHARACTERS: Final = 255
_MAX_ERROR_CHARACTERS: Final = 1_000
_MAX_DURATION_SECONDS: Final = 86_400


def _any(_: Scalar) -> str:
    return ""  # SQLite's integers have 64 bits, as those of a snapshot


USERS: Final = "users"
AUDIO_FILES: Final = "audio_files"
SETTINGS: Final = "settings"


def source_tables() -> tuple[SourceTable, ...]:
    """The tables of the earlier product. Columns that older files lack are optional."""
    return (_users(), _audio_files(), _settings())


def _users() -> SourceTable:
    return SourceTable(
        USERS,
        columns=(
            Column("id", "integer", limit=_any, required=True),
            Column("username", limit=characters(50), required=True),
            Column("email", limit=characters(255)),
            Column("hashed_password", limit=characters(255), required=True, confidential=True),
            Column("is_active", "boolean", optional=True, required=True),
            Column("is_admin", "boolean", optional=True, missing=_MISSING, required=True),
            Column("created_at", "datetime", required=True),
            Column("updated_at", "datetime", optional=True, required=True),
            Column("yoto_access_token", optional=True, secret=True),
            Column("yoto_refresh_token", optional=True, secret=True),
            Column("yoto_token_expires_at", "datetime", optional=True, secret=True),
        ),
        key=("id",),
        fields=(
            "id", "user_id", "username", "username_key", "email", "email_key", "hashed_password", "is_active",
            "is_admin", "must_change_password", "created_at", "updated_at",
        ),
        prepare=_prepare_user,
        rules=(Unique("duplicate_username", ("username_key",), ("id",)),),
        found_by=("user_id",),
        unique=(Unique("", ("username",), ("id",)),),
    )  # fmt: skip


def _audio_files() -> SourceTable:
    return SourceTable(
        AUDIO_FILES,
        columns=(
            Column("id", "integer", limit=_any),
            Column("filename", limit=characters(255), required=True),
            Column("size", "integer", limit=_any, required=True),
            Column("duration", "integer", optional=True, limit=_any),
            Column("transcript", optional=True, confidential=True),
            Column("transcript_status", optional=True, limit=characters(20), required=True),
            Column("transcript_error", optional=True),
            Column("created_at", "datetime", required=True),
            Column("updated_at", "datetime", optional=True, required=True),
            Column("transcribed_at", "datetime", optional=True),
            Column("tts_provider", optional=True, limit=characters(50)),
            Column("tts_voice_id", optional=True, limit=characters(255)),
            Column("tts_model", optional=True, limit=characters(100)),
        ),
        key=("id",),
        fields=(
            "id", "filename", "size", "duration", "content_type", "object_key", "etag", "transcript",
            "transcript_chars", "transcript_source", "transcript_status", "transcript_error", "transcribed_at",
            "tts_provider", "tts_voice_id", "tts_model", "created_at", "updated_at",
        ),
        prepare=_prepare_audio,
        rules=(Unique("duplicate_filename", ("filename",), ("id",)),),
        found_by=("filename",),
        unique=(Unique("", ("filename",), ("created_at",)),),
    )  # fmt: skip


def _settings() -> SourceTable:
    return SourceTable(
        SETTINGS,
        columns=(
            Column("id", "integer", limit=_any),
            Column("key", limit=characters(100), required=True),
            Column("value", required=True, confidential=True),  # of settings that nobody here knows: a key, perhaps
            Column("description", optional=True),
            Column("created_at", "datetime", optional=True, required=True),
            Column("updated_at", "datetime", optional=True, required=True),
        ),
        key=("id",),
        fields=("id", "key", "value", "created_at", "updated_at"),
        prepare=_prepare_setting,
        rules=(Unique("duplicate_setting", ("key",), ("id",)),),
        found_by=("key",),
    )


# ---- users -----------------------------------------------------------------------------------------------------------


def _prepare_user(row: Row, warn: Warn) -> Mapping[str, Scalar]:
    row_id = row["id"]
    try:
        username = valid_username(str(row["username"] or ""))
    except InvalidUsername as exc:
        raise Reject("invalid_username", "a name has 3 to 50 letters, digits, _ and -", "username") from exc
    who = f"User {row_id}, {username}"
    stored_hash = _hash(row["hashed_password"], username, who, warn)
    email = _email(row["email"], who, warn)
    return {
        "id": row_id,
        "user_id": row_id if isinstance(row_id, int) and 1 <= row_id <= MAX_USER_ID else None,
        "username": username,
        "username_key": username.lower(),
        "email": email,
        "email_key": None if email is None else folded(email),
        "hashed_password": stored_hash,
        "is_active": values.boolean(row["is_active"], otherwise=True, what=f"is_active of {who}", warn=warn),
        "is_admin": int(username == ADMIN)
        if row["is_admin"] == _MISSING
        else values.boolean(row["is_admin"], otherwise=False, what=f"is_admin of {who}", warn=warn),
        "must_change_password": int(stored_hash == NO_PASSWORD),
        "created_at": values.moment(row["created_at"], what=f"created_at of {who}", warn=warn),
        "updated_at": values.moment(row["updated_at"], what=f"updated_at of {who}", warn=warn),
    }


def _hash(stored: Scalar, username: str, who: str, warn: Warn) -> str:
    """A hash that counts here, or what nobody can sign in with."""
    text = str(stored or "")
    if not text.startswith("$argon2") or len(text) > _MAX_HASH_CHARACTERS:
        warn("password_not_kept", f"{who} needs a password from an administrator: its hash is of another kind")
        return NO_PASSWORD
    if username.lower() == ADMIN and _is_of_shipped_password(text):
        warn("shipped_password", f"{who} had the password that every installation came with, and cannot use it here")
        return NO_PASSWORD
    return text


@cache  # a snapshot is taken several times, and a check takes a fifth of a second
def _is_of_shipped_password(stored_hash: str) -> bool:
    return Passwords(NoKeys()).check(_SHIPPED_PASSWORD, stored_hash, name=ADMIN).is_right


class NoKeys:
    """No keys of the service: they decide what is checked in place of no hash, which is nobody's concern here."""

    def current(self) -> SigningKey:
        return SigningKey("none", bytes(32))

    def find(self, key_id: str) -> None:
        del key_id


def _email(stored: Scalar, who: str, warn: Warn) -> str | None:
    text = str(stored or "").strip()
    if not text:
        return None
    try:
        return valid_email(text)
    except InvalidEmail:
        warn("email_not_kept", f"{who} is kept without an e-mail address: that of the source is none, or not public")
        return None


# ---- audio files -----------------------------------------------------------------------------------------------------


def _prepare_audio(row: Row, warn: Warn) -> Mapping[str, Scalar]:
    try:
        filename = valid_filename(str(row["filename"] or ""))
    except InvalidFilename as exc:
        raise Reject(exc.reason, "a file cannot have this name", "filename") from exc
    what = f"file {row['id']}, {filename}"
    text, status, error = _transcript(row, what, warn)
    provider = values.text_within(row["tts_provider"], 50, what=f"tts_provider of {what}", warn=warn)
    return {
        "id": row["id"],
        "filename": filename,
        "size": _size(row["size"], what, warn),
        "duration": _duration(row["duration"], what, warn),
        "content_type": content_type_of(filename),
        "object_key": None,
        "etag": None,
        "transcript": text,
        "transcript_chars": None if text is None else len(text),
        "transcript_source": None if text is None else "tts" if provider else "migrated",
        "transcript_status": status,
        "transcript_error": error,
        "transcribed_at": values.moment(
            row["transcribed_at"], what=f"transcribed_at of {what}", warn=warn, is_required=False
        ),
        "tts_provider": provider,
        "tts_voice_id": values.text_within(row["tts_voice_id"], 255, what=f"tts_voice_id of {what}", warn=warn),
        "tts_model": values.text_within(row["tts_model"], 100, what=f"tts_model of {what}", warn=warn),
        "created_at": values.moment(row["created_at"], what=f"created_at of {what}", warn=warn),
        "updated_at": values.moment(row["updated_at"], what=f"updated_at of {what}", warn=warn),
    }


def _size(stored: Scalar, what: str, warn: Warn) -> int:
    size_bytes = values.whole(stored)
    if size_bytes is None or size_bytes < 0:
        raise Reject("invalid_size", "it is no number of bytes", "size")
    if size_bytes == 0:
        warn("size_zero", f"{what} is kept although it has no bytes")
    return size_bytes


def _duration(stored: Scalar, what: str, warn: Warn) -> int | None:
    if stored is None:
        return None
    seconds = values.whole(stored)
    if seconds is not None and seconds <= 0:
        return None
    if seconds is None or seconds > _MAX_DURATION_SECONDS:
        warn("duration_not_kept", f"{what} is kept without a duration: that of the source is no time within a day")
        return None
    return seconds


def _transcript(row: Row, what: str, warn: Warn) -> tuple[str | None, str, str | None]:
    """Text, status and error. A text stays whatever its status is; one that does not fit stays in the source."""
    text = str(row["transcript"] or "")
    if not text.strip():
        text = ""
    elif len(text.encode()) > MAX_TEXT_BYTES or _stored_bytes(text) > MAX_STORED_BYTES:
        warn("transcript_too_long", f"{what} is kept without its text, which has {len(text):,} characters")
        return None, "failed", TEXT_TOO_LONG
    status, error = _status(str(row["transcript_status"] or "").strip() or "pending", has_text=bool(text))
    if error is None and status != "completed":
        error = values.shortened(str(row["transcript_error"] or "").strip(), _MAX_ERROR_CHARACTERS) or None
    return text or None, status, error


def _status(found: str, *, has_text: bool) -> tuple[str, str | None]:
    """The status here, and the error that says why it is another one than in the source."""
    status = {"error": "failed", "processing": "pending"}.get(found, found)
    if status == "completed" and not has_text:
        return "failed", NO_TEXT
    if status not in STATUSES:
        return "failed", f"Unknown status '{values.shortened(found, 100)}' in the source."
    return status, None


def _stored_bytes(text: str) -> int:
    stored = stored_text(text)
    return len(stored if isinstance(stored, bytes) else stored.encode())


# ---- settings --------------------------------------------------------------------------------------------------------


def _prepare_setting(row: Row, warn: Warn) -> Mapping[str, Scalar]:
    key = str(row["key"] or "")
    if key not in KNOWN_SETTINGS:
        raise Reject(UNKNOWN_SETTING, "there is no such setting here", "key")
    value = values.switch(row["value"])
    if value is None:
        raise Reject(INVALID_SETTING, "it is neither true nor false; the default holds", "value")
    what = f"setting {key}"
    return {
        "id": row["id"],
        "key": key,
        "value": "true" if value else "false",
        "created_at": values.moment(row["updated_at"], what=f"updated_at of {what}", warn=warn),
        "updated_at": values.moment(row["updated_at"], what=f"updated_at of {what}", warn=lambda *_: None),
    }


INSTANTS: Final[Mapping[str, tuple[str, ...]]] = {
    USERS: ("created_at", "updated_at"),
    AUDIO_FILES: ("created_at", "updated_at", "transcribed_at"),
    SETTINGS: ("created_at", "updated_at"),
}
"""The fields in which `BEGUN` may stand, by table."""
