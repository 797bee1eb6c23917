"""What a function's loop sees of an invocation, moved by the test."""

from dataclasses import dataclass


@dataclass
class Time:
    """A monotonic clock that moves only when told to."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Context:
    """A Lambda context with a chosen time left."""

    remaining_seconds: float = 900.0
    aws_request_id: str = "invocation-1"

    def get_remaining_time_in_millis(self) -> int:
        return int(self.remaining_seconds * 1000)
