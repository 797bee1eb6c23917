"""The id that ties together everything done for one request or message.

It is the API's request id, or for a message the id its sender worked under. It stands on every log line and goes
along on every message sent, so that one search finds a request and all the work it caused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_current: ContextVar[str | None] = ContextVar("correlation_id", default=None)


def correlation_id() -> str | None:
    """The id of the request or message in hand, None outside of one."""
    return _current.get()


@contextmanager
def correlated(identifier: str) -> Iterator[None]:
    """Work inside the block belongs to this id; the one before it returns afterwards."""
    token = _current.set(identifier)
    try:
        yield
    finally:
        _current.reset(token)
