"""The library: its lists, its files one by one, their links, and their end."""

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from lambda_src.dynamo.keys import escape
from lambda_src.dynamo.store import Attr, Page, Store
from lambda_src.errors import InvalidInput
from lambda_src.runtime.clock import Clock
from lambda_src.runtime.distribution import Distribution
from lambda_src.runtime.objects import Method, ObjectClient, SignedUrl
from lambda_src.runtime.secrets import SecretMalformed
from lambda_src.runtime.work_queue import WorkQueue
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.errors import (
    AudioNotFound,
    ConfigurationError,
    LinkNotFound,
    ObjectGone,
    VersionConflict,
)
from lambda_src.services.yoto_smart_stream.library.repository import AudioRepository
from lambda_src.services.yoto_smart_stream.messages import JobMessage, stopping
from lambda_src.services.yoto_smart_stream.models import AudioFileRecord, Job, UserRecord, new_id, timestamp
from lambda_src.services.yoto_smart_stream.names import found_filename, search_text
from lambda_src.services.yoto_smart_stream.principals import refuse_others

type Match = Literal["contains", "prefix"]

MAX_QUERY_BYTES: Final = 255
TOKEN_BYTES: Final = 24
URL_SECONDS: Final = 3600
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{32}")
_LOOKED_AT: Final = 200  # names by one request of a search, and 1000 by one search
_REQUESTS: Final = 5
_TRIES: Final = 3  # each lost to another change of the same file


def _new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


@dataclass(frozen=True, slots=True)
class Library:
    store: Store
    files: AudioRepository
    jobs: WorkQueue[JobMessage]
    clock: Clock
    new_id: Callable[[], str] = new_id
    new_token: Callable[[], str] = _new_token

    # ---- lists -------------------------------------------------------------------------------------------------------

    def page(self, *, limit: int, cursor: str | None) -> Page[AudioFileRecord]:
        """One page of all files, newest first. limit: 1-200. Raises InvalidCursor. 1 request."""
        return self.store.page(tables.AUDIO_NEWEST_FIRST, limit=limit, cursor=cursor)

    def search(self, query: str, *, match: Match, limit: int, cursor: str | None) -> Page[AudioFileRecord]:
        """One page of the files whose names contain a text, or begin with it, in any case; by their names.

        A page may be short, or empty, and have a cursor: 1000 names are looked at for one. An empty text finds all
        files, as `page` lists them. limit: 1-200. Raises InvalidInput above 255 bytes, InvalidCursor. 1-5 requests.
        """
        if len(query.encode("utf-8", "surrogatepass")) > MAX_QUERY_BYTES:
            raise InvalidInput(f"q has at most {MAX_QUERY_BYTES} bytes")
        text = search_text(query)
        if not text:
            return self.page(limit=limit, cursor=cursor)
        name, is_prefix = Attr("name_key"), match == "prefix"
        return self.store.filtered_page(
            tables.AUDIO_BY_NAME,
            where=name.begins_with(text) if is_prefix else name.contains(text),
            bound_to=_digest(match, text),
            limit=limit,
            cursor=cursor,
            looked_at=limit + 1 if is_prefix else _LOOKED_AT,
            requests=_REQUESTS,
            **({"name_sort": escape(text)} if is_prefix else {}),
        )

    # ---- a file ------------------------------------------------------------------------------------------------------

    def file(self, filename: str) -> AudioFileRecord:
        """A file without its text. filename: as a path has it. Raises AudioNotFound. 1 request, none for a bad name."""
        known = found_filename(filename)
        found = None if known is None else self.store.get(tables.AUDIO_FILE, filename=known)
        if found is None:
            raise AudioNotFound
        return found

    def delete(self, filename: str, caller: UserRecord) -> None:
        """Remove a file for good; the worker deletes its audio, and stops who is transcribing it.

        Raises AudioNotFound, NotOwner, VersionConflict. 2 requests and 1 message, 2 where it is in flight; a lost one
        is sent by the sweep, or costs no more than the end of a transcription.
        """
        for message in self._change(filename, caller, self._remove):
            self.jobs.send_or_leave(message)

    # ---- links -------------------------------------------------------------------------------------------------------

    def link(self, filename: str) -> str:
        """The token of a file's link. Raises AudioNotFound, LinkNotFound. 1 request."""
        token = self.file(filename).play_token
        if token is None:
            raise LinkNotFound
        return token

    def renew_link(self, filename: str, caller: UserRecord) -> str:
        """Give a file a new link in place of the one it may have. Returns its token.

        Raises AudioNotFound, NotOwner, VersionConflict. 2 requests.
        """
        token = self.new_token()
        self._change(filename, caller, lambda seen: (self.files.set_play_link(seen, token), None))
        return token

    def end_link(self, filename: str, caller: UserRecord) -> None:
        """Let the link of a file, if it has one, lead nowhere. Errors as for `renew_link`. 1 request, 2 with a link."""

        def end(seen: AudioFileRecord) -> tuple[bool, None]:
            return seen.play_token is None or self.files.set_play_link(seen, None), None

        self._change(filename, caller, end)

    def linked_file(self, text: str) -> AudioFileRecord:
        """The file that a link plays. text: its token, and whatever follows from a `.` on.

        Raises LinkNotFound for anything else. 2 requests, none for what is no token.
        """
        token = text.partition(".")[0]
        if _TOKEN.fullmatch(token) is None:
            raise LinkNotFound
        link = self.store.get(tables.FILE_OF_LINK, play_token=token)
        found = None if link is None else self.store.get(tables.AUDIO_FILE, filename=link.filename)
        if found is None or found.play_token != token:
            raise LinkNotFound
        return found

    # ------------------------------------------------------------------------------------------------------------------

    def _remove(self, seen: AudioFileRecord) -> tuple[bool, list[JobMessage]]:
        """Whether it is removed, and what the worker has to be told then."""
        purge, messages = None, stopping(seen)
        if seen.object_key is not None:
            now, keys = timestamp(self.clock()), (seen.object_key,)
            purge = Job(job_id=self.new_id(), kind="purge", filename=seen.filename, created_at=now, object_keys=keys)
            messages.append(JobMessage(kind="purge", job_id=purge.job_id))
        return self.files.delete_audio(seen, purge), messages

    def _change[T](self, filename: str, caller: UserRecord, change: Callable[[AudioFileRecord], tuple[bool, T]]) -> T:
        """Read, check who asks, and change what was read; anew when it was changed meanwhile."""
        for _ in range(_TRIES):
            seen = self.file(filename)
            refuse_others(caller, seen)
            is_done, result = change(seen)
            if is_done:
                return result
        raise VersionConflict


def _digest(match: Match, text: str) -> str:
    """What a cursor of a search is bound to: short, whatever was searched for."""
    return hashlib.sha256(f"{match}\n{text}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Playback:
    """Where the audio of a file is fetched from: an address that works for an hour, for whoever has it.

    objects: the bucket of the files; None where there is none, as on SQLite. distribution: where one serves it.
    """

    objects: ObjectClient | None
    distribution: Distribution | None = None

    def signed(self, file: AudioFileRecord, *, method: Method = "GET") -> SignedUrl:
        """An address of a file's audio; one of S3 is good for this method alone.

        Raises ObjectGone, ConfigurationError, SecretUnavailable. No request, but for the key of a distribution. Nobody
        looks whether the object is there.
        """
        if file.object_key is None:
            raise ObjectGone
        if self.objects is None:
            raise ConfigurationError("The server is not configured: there is no bucket for audio files")
        if self.distribution is not None:
            try:
                return self.distribution.sign(file.object_key, seconds=URL_SECONDS)
            except SecretMalformed as exc:
                raise ConfigurationError("The server has no key that can sign addresses") from exc
        return self.objects.sign(
            file.object_key,
            seconds=URL_SECONDS,
            content_type=file.content_type,
            filename=file.filename,
            method=method,
        )
