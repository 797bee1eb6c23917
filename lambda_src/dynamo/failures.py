"""What an engine refused, translated once into the errors of this layer."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lambda_src.dynamo.client import CallRefused, Fault, NoResponse, NotSent
from lambda_src.dynamo.errors import (
    CONDITION_FAILED,
    ConditionFailed,
    Contended,
    ItemTooLarge,
    OutcomeUnknown,
    Reason,
    StoreError,
    StoreMisconfigured,
)
from lambda_src.dynamo.errors import TransactionCancelled as Cancelled
from lambda_src.dynamo.values import from_item
from lambda_src.errors import AppError, StoreUnavailable

# Asked for before anything reached the table, or lost on the way: https://docs.aws.amazon.com/amazondynamodb/latest/
# developerguide/Programming.Errors.html#Programming.Errors.MessagesAndCodes
_TRANSIENT: Final = frozenset({
    "InternalServerError", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "ServiceUnavailable",
    "ThrottlingException", "TransactionConflictException", "TransactionInProgressException",
})  # fmt: skip
_TRANSIENT_REASONS: Final = frozenset({
    "None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded",
})  # fmt: skip
# What no other try changes; of credentials also those that have expired or are somebody else's:
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html
_FAULTS: Final[Mapping[str, Fault]] = {
    "ResourceNotFoundException": "no table",
    "AccessDeniedException": "not allowed",
    "ExpiredTokenException": "no credentials",
    "IncompleteSignature": "no credentials",
    "InvalidClientTokenId": "no credentials",
    "MissingAuthenticationToken": "no credentials",
    "MissingAuthenticationTokenException": "no credentials",
    "UnrecognizedClientException": "no credentials",
}
_NO_INDEX: Final = "does not have the specified index"
_TOO_LARGE: Final = "has exceeded the maximum allowed size"  # said of a put item, and of one an update made grow


def unavailable(detail: str | None = None) -> StoreUnavailable:
    """The error of who has given up for now."""
    return StoreUnavailable(detail, retry_after_seconds=1)


def is_passing(error: AppError) -> bool:
    """Whether another try of the same request, in a moment, may succeed."""
    return isinstance(error, StoreUnavailable) and not isinstance(error, (StoreMisconfigured, OutcomeUnknown))


def translate(error: CallRefused | NoResponse | NotSent) -> AppError:
    """The error of this layer."""
    match error:
        case NoResponse():
            return unavailable()
        case NotSent():
            return StoreMisconfigured(error.fault)
        case CallRefused():
            return _refused(error)


def _refused(error: CallRefused) -> AppError:
    match error.code:
        case "ConditionalCheckFailedException":
            return ConditionFailed(_item(error.item))
        case "TransactionCanceledException":
            return _cancelled(error.reasons)
        case "IdempotentParameterMismatchException":
            return OutcomeUnknown(retry_after_seconds=1)
        case "ValidationException":
            return _invalid(error.message)
        case code if code in _FAULTS:
            return StoreMisconfigured(_FAULTS[code])
    # 5xx without a code we know comes from a load balancer on the way
    return unavailable() if error.code in _TRANSIENT or error.status >= 500 else StoreError()


def _invalid(message: str) -> AppError:
    if _NO_INDEX in message:
        return StoreMisconfigured("no table")
    return ItemTooLarge() if _TOO_LARGE in message else StoreError()


def _cancelled(reasons: Sequence[Mapping[str, Any]]) -> AppError:
    codes = {entry.get("Code", "None") for entry in reasons}
    if CONDITION_FAILED in codes:
        return Cancelled(tuple(Reason(each.get("Code", "None"), _item(each.get("Item"))) for each in reasons))
    if any(_TOO_LARGE in (entry.get("Message") or "") for entry in reasons):
        return ItemTooLarge()
    return Contended(retry_after_seconds=1) if codes <= _TRANSIENT_REASONS else StoreError()


def _item(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return from_item(found) if found else None
