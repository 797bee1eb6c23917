"""Errors of Yoto Smart Stream.

NotAuthenticated   401  InvalidCredentials
NotAllowed         403  AdminRequired, NotOwner, PasswordChangeRequired
NotFound           404  UserNotFound, AudioNotFound, UploadNotFound, LinkNotFound, SettingNotFound
Conflict           409  UsernameTaken, EmailTaken, FilenameTaken, LastAdmin, VersionConflict, InFlight, NotInFlight,
                        TranscriptExists, StatusConflict, ObjectGone
PayloadTooLarge    413  UploadTooLarge, TranscriptTooLarge
InvalidInput       422  InvalidUsername, InvalidEmail, InvalidFilename, InvalidStatus, EmptyUpdate
  with status      415  UnsupportedMediaType
StoreUnavailable   503  ConfigurationError, StoreBusy, TranscriptionDisabled
"""

from dataclasses import dataclass
from typing import ClassVar

from lambda_src.dynamo.errors import StoreMisconfigured
from lambda_src.errors import (
    AppError,
    Conflict,
    InvalidInput,
    NotAllowed,
    NotFound,
    PayloadTooLarge,
    StoreUnavailable,
    VersionMismatch,
)
from lambda_src.runtime.tokens import BearerRefused


class InvalidCredentials(BearerRefused):
    """One sentence for every reason, which tells nobody which names there are."""

    code = "invalid_credentials"
    default_detail = "User name or password is wrong"


class AdminRequired(NotAllowed):
    code = "admin_required"
    default_detail = "Only an administrator may do this"


class NotOwner(NotAllowed):
    code = "not_owner"
    default_detail = "Only who uploaded this file, or an administrator, may do this"


class PasswordChangeRequired(NotAllowed):
    code = "password_change_required"
    default_detail = "Choose a password of your own first"


class UserNotFound(NotFound):
    code = "user_not_found"
    default_detail = "User not found"


class AudioNotFound(NotFound):
    code = "audio_not_found"
    default_detail = "Audio file not found"


class UploadNotFound(NotFound):
    code = "upload_not_found"
    default_detail = "Upload not found"


class LinkNotFound(NotFound):
    code = "link_not_found"
    default_detail = "There is no such link"


class SettingNotFound(NotFound):
    code = "setting_not_found"
    default_detail = "There is no such setting"


class UsernameTaken(Conflict):
    code = "username_taken"
    default_detail = "Somebody has this user name already"


class EmailTaken(Conflict):
    code = "email_taken"
    default_detail = "Somebody has this e-mail address already"


class FilenameTaken(Conflict):
    code = "audio_exists"
    default_detail = "There is a file of this name already"


class LastAdmin(Conflict):
    code = "last_admin"
    default_detail = "This is the last administrator who can sign in"


class VersionConflict(VersionMismatch):
    code = "conflict"
    default_detail = "It was changed by somebody else at the same time; look and try again"


class InFlight(Conflict):
    """request_id: of the job that is under way."""

    code = "transcription_in_flight"
    default_detail = "A transcription of this file is under way"

    def __init__(self, request_id: str) -> None:
        super().__init__()
        self.request_id = request_id


class NotInFlight(Conflict):
    code = "transcription_not_in_flight"
    default_detail = "No transcription of this file is under way"


class TranscriptExists(Conflict):
    code = "transcript_exists"
    default_detail = "This file has a transcript already"


class StatusConflict(Conflict):
    """current: how the transcription stands."""

    code = "invalid_transition"
    default_detail = "The transcription does not stand as this asks for"

    def __init__(self, current: str) -> None:
        super().__init__()
        self.current = current


class ObjectGone(Conflict):
    code = "audio_object_missing"
    default_detail = "The audio of this file is not in storage"


class UploadTooLarge(PayloadTooLarge):
    code = "upload_too_large"
    default_detail = "The file is too large"


class TranscriptTooLarge(PayloadTooLarge):
    code = "transcript_too_large"
    default_detail = "The transcript is too long to store"


class InvalidUsername(InvalidInput, ValueError):
    """Also a ValueError, so that pydantic reports it under the name of the field."""

    default_detail = "A user name has 3 to 50 letters, digits, _ and -"


class InvalidEmail(InvalidInput, ValueError):
    default_detail = "This is not an e-mail address"


class InvalidFilename(InvalidInput):
    """reason: a stable word for the rule that is broken."""

    code = "invalid_filename"
    default_detail = "The file name cannot be used"

    def __init__(self, reason: str) -> None:
        super().__init__(members={"errors": [{"field": "filename", "message": reason}]})
        self.reason = reason


class InvalidStatus(InvalidInput):
    default_detail = "There is no such status"


class EmptyUpdate(InvalidInput):
    code = "empty_update"
    default_detail = "Name at least one field"


class UnsupportedMediaType(InvalidInput):
    status: ClassVar[int | None] = 415
    code = "unsupported_media_type"
    default_detail = "The content type does not go with the extension of the file"


class ConfigurationError(StoreUnavailable):
    """The deployment, or the machine of a developer, lacks something that the product cannot work without."""

    code = "configuration_error"
    retryable = False
    default_detail = "The server is not configured"


class StoreBusy(StoreUnavailable):
    code = "store_unavailable"
    pause_seconds = 2
    default_detail = "The data store is busy. Please try again."


class TranscriptionDisabled(StoreUnavailable):
    code = "transcription_disabled"
    retryable = False
    default_detail = "Transcription is switched off"


@dataclass(frozen=True, slots=True)
class Published:
    """What the API answers in place of errors that all services have in common. table: physical name, in a region."""

    table: str
    region: str

    def __call__(self, error: AppError) -> AppError:
        """The error of the contract; the same one where it is that already."""
        if isinstance(error, StoreMisconfigured):
            return ConfigurationError(self._sentence(error))
        if error.code == StoreUnavailable.code:
            return StoreBusy()
        return error

    def _sentence(self, error: StoreMisconfigured) -> str:
        match error.fault:
            case "no table" | "unknown region":
                return f"The data store is not available: table '{self.table}' was not found in {self.region}."
            case "not allowed":
                return "The server is not allowed to use the data store."
            case "no credentials":
                return "The server has no AWS credentials."
