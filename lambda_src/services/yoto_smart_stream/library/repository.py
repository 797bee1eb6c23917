"""Changes of files of the library: what is known of them, their links, and their end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambda_src.dynamo.errors import applied
from lambda_src.dynamo.store import ABSENT, Action, Delete, Put, Store, Update, UpdateItem
from lambda_src.runtime.clock import Clock
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.models import TEXT_ATTRIBUTES, AudioFileRecord, Job, PlayLink, timestamp
from lambda_src.services.yoto_smart_stream.names import content_type_of


@dataclass(frozen=True, slots=True)
class AudioRepository:
    store: Store
    clock: Clock

    def upsert_audio_file(
        self, filename: str, given: Mapping[str, Any], *, reset_transcript: bool = False
    ) -> AudioFileRecord:
        """Add a file that waits for its text, or change what is given of it, by attribute. filename: a valid one.

        reset_transcript: take its text away, and all that is known of it. 1 request, 2 for a text that goes.
        """
        now, key = timestamp(self.clock()), tables.AUDIO.key(filename=filename)
        new = AudioFileRecord(
            filename=filename, size=0, content_type=content_type_of(filename), created_at=now, updated_at=now
        )
        said = {**given, "updated_at": now, **({"transcript_status": "pending"} if reset_transcript else {})}
        always = {*key.values, "version", *said}
        first = {name: value for name, value in tables.AUDIO.item(new).items() if name not in always}
        change = Update().set(**said).set_if_absent(**first).add(version=1)
        if not reset_transcript:
            item = self.store.update(tables.UPSERT_AUDIO, UpdateItem(key, change), returning="ALL_NEW")
            return tables.AUDIO.model(item)
        actions: list[Action] = [
            UpdateItem(key, change.remove(*TEXT_ATTRIBUTES, "transcript_request_id")),
            Delete(tables.TRANSCRIPT.key(filename=filename)),
        ]
        self.store.transact(tables.RESET_AUDIO, actions)
        found = self.store.get(tables.AUDIO_FILE, filename=filename)
        assert found is not None  # it was written this instant, and nobody deletes under the hands of a program
        return found

    def set_play_link(self, seen: AudioFileRecord, token: str | None) -> bool:
        """Give a file another link, or none, and end the one it had; False when it is no longer as seen. 1 request."""
        now, key = timestamp(self.clock()), tables.AUDIO.key(filename=seen.filename)
        update = Update().assign({"play_token": token, "updated_at": now}).add(version=1)
        actions: list[Action] = [UpdateItem(key, update, tables.as_read(seen))]
        if seen.play_token is not None:
            actions.append(Delete(tables.PLAY_LINK.key(play_token=seen.play_token)))
        if token is not None:
            actions.append(Put(tables.PLAY_LINK, PlayLink(token, seen.filename), ABSENT))
        return applied(self.store.transact, tables.SET_PLAY_LINK, actions)

    def delete_audio(self, seen: AudioFileRecord, purge: Job | None) -> bool:
        """Remove a file with its text and its link; False when it is no longer as seen. purge: its object. 1 request.

        What is in flight for it ends by itself: its worker finds no file.
        """
        actions: list[Action] = [
            Delete(tables.AUDIO.key(filename=seen.filename), tables.as_read(seen)),
            Delete(tables.TRANSCRIPT.key(filename=seen.filename)),
        ]
        if seen.play_token is not None:
            actions.append(Delete(tables.PLAY_LINK.key(play_token=seen.play_token)))
        if purge is not None:
            actions.append(Put(tables.JOB, purge, ABSENT))
        return applied(self.store.transact, tables.DELETE_AUDIO, actions)
