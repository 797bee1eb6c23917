"""Errors of Stock Track Record.

    InvalidInput            422  InvalidChannelUrl
    NotFound                404  ChannelNotFound
    Conflict                400  ChannelExists, ChannelLimit, AlreadyProcessing, NotProcessing, DuplicateChannel
      (worker only)              LeaseHeld, WinnerGoing                      retryable
    DeadlineExceeded             NotFinished                                 retryable
    AppError                     VideoUnreadable

The published contract answers conflicts with 400. What else can go wrong with outside services stands in
`runtime.providers.errors`.
"""

from lambda_src.errors import AppError, Conflict, DeadlineExceeded, InvalidInput, NotFound


class InvalidChannelUrl(InvalidInput):
    default_detail = "This is not the address of a YouTube channel"


class ChannelNotFound(NotFound):
    code = "channel_not_found"
    default_detail = "Channel not found"


class ChannelExists(Conflict):
    status = 400
    code = "channel_exists"
    default_detail = "Channel already exists"


class ChannelLimit(Conflict):
    status = 400
    code = "channel_limit"
    default_detail = "No more channels can be added; delete one first"


class AlreadyProcessing(Conflict):
    status = 400
    code = "already_processing"
    default_detail = "Channel is already processing"


class NotProcessing(Conflict):
    status = 400
    code = "not_processing"
    default_detail = "Channel is not processing"


class DuplicateChannel(Conflict):
    status = 400
    code = "duplicate_channel"
    default_detail = "This channel is listed under another address"


class LeaseHeld(Conflict):
    """Another delivery of the same message is at work on it."""

    code = "lease_held"
    retryable = True
    is_expected = True
    default_detail = "Another delivery of this message is at work"


class WinnerGoing(Conflict):
    """The channel that owns an identity is being deleted, so the identity is about to be free."""

    code = "winner_going"
    retryable = True
    is_expected = True
    default_detail = "The other channel is being deleted"


class NotFinished(DeadlineExceeded):
    """Time ran out half-way; what is done stays done and the message goes on with the rest."""

    default_detail = "Time ran out; the rest follows"


class VideoUnreadable(AppError):
    """One video cannot be analysed, and asking again would not help. The detail has at most 300 characters.

    transcript_failed: the provider cannot open the video (private, restricted), rather than not wanting to answer.
    """

    code = "video_unreadable"
    default_detail = "The video cannot be analysed"

    def __init__(self, detail: str | None = None, *, transcript_failed: bool = False) -> None:
        super().__init__(None if detail is None else detail[:300])
        self.transcript_failed = transcript_failed
