"""Changes of files of the library: their links, and their end."""

from dataclasses import dataclass, replace

from lambda_src.dynamo.errors import applied
from lambda_src.dynamo.store import ABSENT, Action, Attr, Condition, Delete, Put, Store, Update, UpdateItem
from lambda_src.runtime.clock import Clock
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.models import AudioFileRecord, Job, PlayLink, timestamp


@dataclass(frozen=True, slots=True)
class AudioRepository:
    store: Store
    clock: Clock

    def set_play_link(self, seen: AudioFileRecord, token: str | None) -> AudioFileRecord | None:
        """Give a file another link, or none, and end the one it had; None when it is no longer as seen. 1 request."""
        now, key = timestamp(self.clock()), tables.AUDIO.key(filename=seen.filename)
        update = Update().assign({"play_token": token, "updated_at": now}).add(version=1)
        actions: list[Action] = [UpdateItem(key, update, _as_seen(seen))]
        if seen.play_token is not None:
            actions.append(Delete(tables.PLAY_LINK.key(play_token=seen.play_token)))
        if token is not None:
            actions.append(Put(tables.PLAY_LINK, PlayLink(token, seen.filename), ABSENT))
        if not applied(self.store.transact, tables.SET_PLAY_LINK, actions):
            return None
        return replace(seen, play_token=token, updated_at=now, version=seen.version + 1)

    def delete_audio(self, seen: AudioFileRecord, purge: Job | None) -> bool:
        """Remove a file with its text and its link; False when it is no longer as seen. purge: its object. 1 request.

        What is in flight for it ends by itself: its worker finds no file.
        """
        actions: list[Action] = [
            Delete(tables.AUDIO.key(filename=seen.filename), _as_seen(seen)),
            Delete(tables.TRANSCRIPT.key(filename=seen.filename)),
        ]
        if seen.play_token is not None:
            actions.append(Delete(tables.PLAY_LINK.key(play_token=seen.play_token)))
        if purge is not None:
            actions.append(Put(tables.JOB, purge, ABSENT))
        return applied(self.store.transact, tables.DELETE_AUDIO, actions)


def _as_seen(seen: AudioFileRecord) -> Condition:
    return Attr("version").eq(seen.version)
