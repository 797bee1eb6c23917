"""Leases: the right of one delivery of a message to do some work until a point in time.

    free ──take──▶ held by "<message id>/<receive count>" ──release──▶ free
                      │                    └──────────── until passes ─▶ free     (the worker died)
                      └──hand over──▶ kept for "<message id>", only that message may take it

The receive count tells apart two deliveries of one message that run at the same moment; SQS delivers at least once.
A lease ends before its message becomes visible again, so the delivery that follows a crash finds it free.
"""

from dataclasses import dataclass

from lambda_src.dynamo.conditions import Attr, Condition
from lambda_src.dynamo.updates import Update


@dataclass(frozen=True, slots=True)
class Lease:
    """Who asks for the lease: one delivery of one message."""

    message_id: str
    receive_count: int

    @property
    def holder(self) -> str:
        return f"{self.message_id}/{self.receive_count}"

    def is_of_same_message(self, holder: str | None) -> bool:
        """The holder is another delivery of this message: it must not be acknowledged while that one works."""
        return holder is not None and holder.partition("/")[0] == self.message_id


def can_take(lease: Lease, *, now_ms: int, prefix: str = "lease") -> Condition:
    """The lease is free, past, or kept for this message. `prefix` names its attributes `_until` and `_by`."""
    until = Attr(f"{prefix}_until")
    return until.not_exists() | until.lt(now_ms) | Attr(f"{prefix}_by").eq(lease.message_id)


def take(update: Update, lease: Lease, *, until_ms: int, prefix: str = "lease") -> Update:
    return update.set(**{f"{prefix}_until": until_ms, f"{prefix}_by": lease.holder})


def hand_over(update: Update, message_id: str, *, until_ms: int, prefix: str = "lease") -> Update:
    """Keep the lease for a message that was just sent, until some time after it becomes visible."""
    return update.set(**{f"{prefix}_until": until_ms, f"{prefix}_by": message_id})


def release(update: Update, *, prefix: str = "lease") -> Update:
    return update.remove(f"{prefix}_until", f"{prefix}_by")


def is_held(lease: Lease, *, prefix: str = "lease") -> Condition:
    return Attr(f"{prefix}_by").eq(lease.holder)
