"""What a repository may have to tell apart when a write or a read fails.

ConditionFailed        409  an item was not as the condition wanted it; final
TransactionCancelled   409  the same, of one or more actions of a transaction; final
ItemTooLarge           422  an item above 400 KB
StoreError             500  DynamoDB refused the request for a reason no caller can do anything about
StoreMisconfigured     503  a table, a right, credentials or the region is wrong, until somebody mends it
StoreUnavailable       503  conflicts, throttles or no answer, after all retries (in `lambda_src.errors`)
  Contended            503  others were at the same items each time: nothing of the transaction was written
  OutcomeUnknown       503  a transaction that may have been carried out; only a read can tell
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from lambda_src.dynamo.client import Fault
from lambda_src.errors import AppError, Conflict, InvalidInput, NotReady, StoreUnavailable

CONDITION_FAILED: Final = "ConditionalCheckFailed"


class Reason(NamedTuple):
    """Why an action of a transaction was refused: "None" if it was not. item: what was there, if that was asked."""

    code: str
    item: dict[str, Any] | None = None


class ConditionFailed(Conflict):
    """The condition of a write did not hold. item: what was there, if `return_old` asked for it and it existed."""

    def __init__(self, item: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.item = item


class TransactionCancelled(Conflict):
    """A transaction wrote nothing since a condition did not hold. reasons: one per action, in their order."""

    def __init__(self, reasons: tuple[Reason, ...]) -> None:
        super().__init__()
        self.reasons = reasons

    def failed(self, position: int) -> bool:
        """Whether the condition of the action at this position did not hold."""
        return position in self.failed_positions

    @property
    def failed_positions(self) -> tuple[int, ...]:
        """The positions of the actions whose conditions did not hold."""
        return tuple(index for index, reason in enumerate(self.reasons) if reason.code == CONDITION_FAILED)


class ItemTooLarge(InvalidInput):
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-items"""

    default_detail = "The input is too large to be stored"


class StoreError(AppError):
    """DynamoDB refused a request: a mistake of ours. Not worth a retry."""


class StoreMisconfigured(NotReady):
    """The deployment is set up wrong, or the machine that asks: see `fault`. What DynamoDB said is in the cause.

    Not tried again at once. A message may come again: rights take a moment to spread, and people mend what they broke.
    """

    default_detail = "The data store is not available"

    def __init__(self, fault: Fault) -> None:
        super().__init__()
        self.fault: Fault = fault


class Contended(StoreUnavailable):
    """The last try of a transaction was cancelled by conflicts or throttles, so none before it went through either.

    A token whose transaction was carried out is answered with success, and one that still is under way otherwise.
    """


class OutcomeUnknown(StoreUnavailable):
    """DynamoDB knows the token of a transaction for other actions, so it says nothing of what became of ours.

    Not tried again: with this token it stays so, and with another the actions might be carried out twice. DynamoDB
    Local says it now and then of a repetition that is identical.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """


def applied[**P](write: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> bool:
    """Whether a conditional write went through: `applied(store.update, PATTERN, change)`. False when it was refused."""
    try:
        write(*args, **kwargs)
    except (ConditionFailed, TransactionCancelled):
        return False
    return True
