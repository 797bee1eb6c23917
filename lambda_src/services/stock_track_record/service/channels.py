"""Channels as a viewer handles them: add, list, read, run again, cancel, delete, read the log."""

import logging
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from lambda_src.dynamo.cursor import CursorCodec
from lambda_src.errors import AppError, InvalidCursor
from lambda_src.runtime.clock import Clock
from lambda_src.services.stock_track_record.clients.queues import WorkQueues
from lambda_src.services.stock_track_record.errors import ChannelNotFound
from lambda_src.services.stock_track_record.messages import ChannelMessage, Message, PurgeMessage
from lambda_src.services.stock_track_record.models import LAYOUT, Channel, ChannelId, LogLine, RunId
from lambda_src.services.stock_track_record.repository import Repository
from lambda_src.services.stock_track_record.repository.channels import ListPosition
from lambda_src.services.stock_track_record.rules.dates import parse_since, timestamp
from lambda_src.services.stock_track_record.rules.identity import parse_channel_url

logger = logging.getLogger(__name__)

CURSOR_SCOPE: Final = "channels"
_CHANNEL_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@dataclass(frozen=True, slots=True)
class ChannelPage:
    """One page of the channel list; `total` counts every listed channel."""

    items: list[Channel]
    total: int
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class ChannelService:
    """Use cases of the channel resource."""

    repository: Repository
    queues: WorkQueues
    cursors: CursorCodec
    clock: Clock
    max_channels: int
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
        self.repository.channels.create_channel(channel, max_channels=self.max_channels)
        self._send_or_leave_to_sweep(ChannelMessage(channel_id=channel.id, run_id=channel.run_id))
        return channel

    def channel_page(self, *, page: int, per_page: int, cursor: str | None) -> ChannelPage:
        """One page of the list, newest first; `cursor` overrides `page`.

        Raises InvalidCursor before any request. 2 requests; none for items when the page lies past the end.
        """
        after = None if cursor is None else self._position(cursor)
        skip = 0 if cursor is not None else (page - 1) * per_page
        total = self.repository.channels.listed_channel_count()
        if skip and skip >= total:
            return ChannelPage([], total, None)
        found = self.repository.channels.channels_newest_first(limit=skip + per_page + 1, after=after)
        items = found[skip : skip + per_page]
        has_more = len(found) > skip + per_page
        return ChannelPage(items, total, self._cursor(items[-1]) if has_more else None)

    def channel(self, channel_id: str) -> Channel:
        """The channel, unless it is unknown or deleted: ChannelNotFound. 1 request."""
        return living_channel(self.repository, channel_id)

    def delete_channel(self, channel_id: str) -> None:
        """Take the channel off the list at once; its items are removed by the worker. Raises ChannelNotFound."""
        known = valid_channel_id(channel_id)
        self.repository.channels.delete_channel(known)
        self._send_or_leave_to_sweep(PurgeMessage(channel_id=known))

    def process_channel(self, channel_id: str) -> Channel:
        """Begin a new run. Raises ChannelNotFound, AlreadyProcessing, DuplicateChannel."""
        run_id = RunId(self.new_id())
        channel = self.repository.channels.restart_channel(valid_channel_id(channel_id), run_id)
        self._send_or_leave_to_sweep(ChannelMessage(channel_id=channel.id, run_id=run_id))
        return channel

    def cancel_channel(self, channel_id: str) -> Channel:
        """Stop the run that is under way. Raises ChannelNotFound, NotProcessing."""
        return self.repository.channels.cancel_channel(valid_channel_id(channel_id))

    def logs(self, channel_id: str, *, since: str | None, limit: int) -> list[LogLine]:
        """Lines in ascending order: the newest `limit`, or from `since` (inclusive) the oldest `limit`.

        Raises ChannelNotFound, InvalidInput for a `since` that is no date-time. 2 requests.
        """
        start = None if since is None else parse_since(since)
        channel = self.channel(channel_id)
        if start is None:
            return self.repository.logs.newest_logs(channel.id, limit=limit)
        return self.repository.logs.logs_since(channel.id, start, limit=limit)

    def _send_or_leave_to_sweep(self, message: Message) -> None:
        """The state is committed already: a message that cannot be sent now is sent by the sweep."""
        try:
            self.queues.send(message)
        except AppError:
            logger.exception("message left to the sweep", extra={"kind": message.type})

    def _cursor(self, channel: Channel) -> str:
        return self.cursors.encode(CURSOR_SCOPE, {"c": channel.created_at, "i": channel.id})

    def _position(self, cursor: str) -> ListPosition:
        position = self.cursors.decode(cursor, CURSOR_SCOPE)
        created_at, channel_id = str(position.get("c", "")), str(position.get("i", ""))
        if not (_TIMESTAMP.fullmatch(created_at) and _CHANNEL_ID.fullmatch(channel_id)):
            raise InvalidCursor
        return ListPosition(created_at, ChannelId(channel_id))


def living_channel(repository: Repository, channel_id: str) -> Channel:
    """The channel. Raises ChannelNotFound when it is unknown or its deletion began. 1 request, strongly consistent."""
    channel = repository.channels.channel_by_id(valid_channel_id(channel_id))
    if channel is None or channel.deleting:
        raise ChannelNotFound
    return channel


def valid_channel_id(text: str) -> ChannelId:
    """The id, if it has the form of one; anything else cannot exist: ChannelNotFound without a request."""
    if _CHANNEL_ID.fullmatch(text) is None:
        raise ChannelNotFound
    return ChannelId(text)
