"""Channels as a viewer handles them: add, list, read, run again, cancel, delete, read the log."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from lambda_src.dynamo.store import Page, Store
from lambda_src.errors import InvalidCursor
from lambda_src.runtime.clock import Clock
from lambda_src.services.stock_track_record import tables
from lambda_src.services.stock_track_record.bodies import fitting, text_bytes
from lambda_src.services.stock_track_record.channels.repository import ChannelRepository
from lambda_src.services.stock_track_record.channels.rules import parse_channel_url, parse_since
from lambda_src.services.stock_track_record.errors import ChannelNotFound
from lambda_src.services.stock_track_record.messages import ChannelMessage, PurgeMessage, Queues
from lambda_src.services.stock_track_record.models import LAYOUT, Channel, ChannelId, LogLine, RunId, timestamp
from lambda_src.services.stock_track_record.settings import ApiSettings

_CHANNEL_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_LINE_BYTES: Final = 250  # a log line with every field but its text
_PAUSE_SECONDS: Final = 600  # between two requests of one channel to the worker


@dataclass(frozen=True, slots=True)
class ChannelService:
    store: Store
    repository: ChannelRepository
    queues: Queues
    clock: Clock
    settings: ApiSettings
    new_id: Callable[[], str] = lambda: str(uuid.uuid4())

    def add_channel(self, url: str, *, time_range_months: int) -> Channel:
        """Add the channel behind a YouTube URL and queue its first run.

        Raises InvalidChannelUrl, ChannelExists, ChannelLimit. 2 requests: one transaction, one message.
        """
        identity = parse_channel_url(url)
        now = timestamp(self.clock())
        channel = Channel(
            id=ChannelId(self.new_id()),
            youtube_channel_id=identity.text,
            name=identity.name,
            url=url.strip(),
            status="pending",
            time_range_months=time_range_months,
            created_at=now,
            updated_at=now,
            run_id=RunId(self.new_id()),
            claims=frozenset({identity.text}),
            layout=LAYOUT,
        )
        self.repository.create_channel(channel, max_channels=self.settings.max_channels)
        self.queues.runs.send_or_leave(ChannelMessage(channel_id=channel.id, run_id=channel.run_id))
        return channel

    def channel_page(self, *, page: int, per_page: int, cursor: str | None) -> tuple[Page[Channel], int]:
        """One page of the list, newest first, and how many channels are listed; `cursor` overrides `page`.

        Raises InvalidCursor before any request. 2 requests; none for items when the page lies past the end.
        """
        self._check_cursor(cursor)
        skip = 0 if cursor is not None else (page - 1) * per_page
        total = self._listed_channel_count()
        if skip and skip >= total:
            return Page([], None), total
        found = self.store.page(tables.CHANNELS_NEWEST_FIRST, limit=skip + per_page, cursor=cursor)
        return Page(found.items[skip:], found.next_cursor), total

    def channel(self, channel_id: str) -> Channel:
        """The channel, unless it is unknown or its deletion began: ChannelNotFound. 1 request, strongly consistent."""
        return self.repository.existing(valid_channel_id(channel_id))

    def delete_channel(self, channel_id: str) -> None:
        """Take the channel off the list at once; its items are removed by the worker. Raises ChannelNotFound."""
        known = valid_channel_id(channel_id)
        self.repository.delete_channel(known)
        self.queues.runs.send_or_leave(PurgeMessage(channel_id=known))

    def process_channel(self, channel_id: str) -> Channel:
        """Begin a new run. Raises ChannelNotFound, AlreadyProcessing, DuplicateChannel."""
        run_id = RunId(self.new_id())
        channel = self.repository.restart_channel(valid_channel_id(channel_id), run_id)
        self.queues.runs.send_or_leave(ChannelMessage(channel_id=channel.id, run_id=run_id))
        return channel

    def cancel_channel(self, channel_id: str) -> Channel:
        """Stop the run that is under way. Raises ChannelNotFound, NotProcessing."""
        return self.repository.cancel_channel(valid_channel_id(channel_id))

    def logs(self, channel_id: str, *, since: str | None, limit: int) -> list[LogLine]:
        """Lines in ascending order: the newest `limit`, or from `since` (inclusive) the oldest `limit`.

        Fewer where these would not fit into one answer: `since` the last of them goes on. Raises ChannelNotFound,
        InvalidInput for a `since` that is no date-time. 2 requests, 1 more per further MB.
        """
        start = None if since is None else parse_since(since)
        known = self.channel(channel_id).id
        if start is None:
            newest = self.store.items(tables.NEWEST_LOGS, channel_id=known, stop_after=limit)
            return [*fitting(newest, _line_bytes)][::-1]
        oldest = self.store.items(tables.LOGS_SINCE, channel_id=known, created_at=start, stop_after=limit)
        return [*fitting(oldest, _line_bytes)]

    def may_ask_worker(self, channel_id: ChannelId, work: Literal["backfill", "prices", "upgrade"]) -> bool:
        """Whether the worker may be asked for something of the channel: once in 10 minutes. 1 request."""
        return self.repository.request_channel_work(channel_id, work, seconds=_PAUSE_SECONDS)

    def _check_cursor(self, cursor: str | None) -> None:
        position = self.store.position(tables.CHANNELS_NEWEST_FIRST, cursor)
        if position is not None and not (
            _TIMESTAMP.fullmatch(str(position["created_at"])) and _CHANNEL_ID.fullmatch(str(position["id"]))
        ):
            raise InvalidCursor

    def _listed_channel_count(self) -> int:
        """How many channels are listed. 1 request; counts GSI1 only where no counter was ever written."""
        counter = self.store.get(tables.LISTED_CHANNEL_COUNT)
        return self.store.count(tables.CHANNELS_NEWEST_FIRST) if counter is None else max(0, counter.value)


def valid_channel_id(text: str) -> ChannelId:
    """The id, if it has the form of one; anything else cannot exist: ChannelNotFound without a request."""
    if _CHANNEL_ID.fullmatch(text) is None:
        raise ChannelNotFound
    return ChannelId(text)


def _line_bytes(line: LogLine) -> int:
    return _LINE_BYTES + text_bytes(line.message)
