"""Tickets for uploads: a form with which a browser puts one file into storage, past the API."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from lambda_src.dynamo.store import Store
from lambda_src.runtime.clock import Clock
from lambda_src.runtime.objects import ObjectClient, UploadForm
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.errors import (
    ConfigurationError,
    FilenameTaken,
    UnsupportedMediaType,
    UploadNotFound,
    UploadTooLarge,
)
from lambda_src.services.yoto_smart_stream.models import AudioFileRecord, UploadIntent, UserRecord, new_id, timestamp
from lambda_src.services.yoto_smart_stream.names import content_type_of, extension_of, valid_filename
from lambda_src.services.yoto_smart_stream.principals import refuse_others
from lambda_src.services.yoto_smart_stream.uploads import rules
from lambda_src.services.yoto_smart_stream.uploads.audio import declared_duration, is_content_type_of
from lambda_src.services.yoto_smart_stream.uploads.repository import UploadRepository
from lambda_src.services.yoto_smart_stream.uploads.rules import ShownState
from lambda_src.services.yoto_smart_stream.uploads.schemas import NewUpload


class Ticket(NamedTuple):
    intent: UploadIntent
    form: UploadForm


class Standing(NamedTuple):
    """A ticket, how it stands, and the file that it brought, unless that is another one by now."""

    intent: UploadIntent
    state: ShownState
    file: AudioFileRecord | None


@dataclass(frozen=True, slots=True)
class Uploads:
    """objects: the bucket of the files; None where there is none, as on SQLite."""

    store: Store
    uploads: UploadRepository
    objects: ObjectClient | None
    max_bytes: int
    clock: Clock
    new_id: Callable[[], str] = new_id

    def ticket(self, asked: NewUpload, caller: UserRecord) -> Ticket:
        """A form for one file, good for a quarter of an hour.

        Raises ConfigurationError, InvalidFilename, UnsupportedMediaType, UploadTooLarge, FilenameTaken, NotOwner. 2
        requests.
        """
        if self.objects is None:
            raise ConfigurationError("The server is not configured: there is no bucket for uploads")
        filename = valid_filename(asked.filename)
        if not is_content_type_of(extension_of(filename), asked.content_type):
            raise UnsupportedMediaType
        if asked.size > self.max_bytes:
            raise UploadTooLarge(f"A file has at most {self.max_bytes} bytes")
        self._refuse_taken(filename, asked, caller)
        upload_id = self.new_id()
        key, content_type = rules.upload_key(upload_id, filename), content_type_of(filename)
        form = self.objects.form(key, content_type=content_type, max_bytes=self.max_bytes, seconds=rules.TICKET_SECONDS)
        ends = int(form.expires_at.timestamp())
        intent = UploadIntent(
            upload_id=upload_id,
            filename=filename,
            content_type=content_type,
            declared_size=asked.size,
            declared_duration=declared_duration(asked.duration),
            object_key=key,
            replace=asked.replace,
            by_admin=caller.is_admin,
            requested_by=caller.user_id,
            created_at=timestamp(self.clock()),
            ticket_ends=ends,
            expires_at=ends + rules.KEPT_SECONDS,
        )
        self.uploads.create_upload(intent)
        return Ticket(intent, form)

    def standing(self, upload_id: str, caller: UserRecord) -> Standing:
        """What became of a ticket, for who asked for it and for administrators.

        Raises UploadNotFound, for tickets of others too. 1 request, 2 when it brought a file.
        """
        found = None
        if rules.is_upload_id(upload_id):
            found = self.store.get(tables.UPLOAD_BY_ID, upload_id=upload_id)
        now = self.clock().timestamp()
        if found is None or found.expires_at <= now or not (caller.is_admin or found.requested_by == caller.user_id):
            raise UploadNotFound
        file, served = None, rules.served_key(found)
        if served is not None:
            file = self.store.get(tables.AUDIO_FILE, filename=found.filename)
        is_here = file is not None and file.object_key == served
        return Standing(found, rules.shown_state(found, now), file if is_here else None)

    def _refuse_taken(self, filename: str, asked: NewUpload, caller: UserRecord) -> None:
        seen = self.store.get(tables.AUDIO_FILE, filename=filename)
        if seen is None:
            return
        if not asked.replace:
            raise FilenameTaken
        refuse_others(caller, seen)
