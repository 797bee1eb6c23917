"""What botocore raises, translated once into the errors of this layer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004 - botocore's name

from lambda_src.dynamo.errors import CONDITION_FAILED, ConditionFailed, ItemTooLarge, Reason, StoreError
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
_TOO_LARGE: Final = "has exceeded the maximum allowed size"  # said of a put item, and of one an update made grow

ANSWERED: Final = (ClientError,)
UNANSWERED: Final = (HTTPClientError, ConnectionError)  # refused, cut off or timed out; it may have been carried out


def unavailable(detail: str | None = None) -> StoreUnavailable:
    """The error of who has given up for now."""
    return StoreUnavailable(detail, retry_after_seconds=1)


def translate(error: Exception) -> AppError:
    """The error of this layer for one of botocore's; StoreUnavailable means that another try may succeed."""
    if not isinstance(error, ClientError):
        return unavailable()
    response: Mapping[str, Any] = error.response
    code = response["Error"].get("Code", "")
    special = _SPECIAL.get(code)
    if special is not None:
        return special(response)
    # 5xx without a code we know comes from a load balancer on the way
    if code in _TRANSIENT or response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
        return unavailable()
    return StoreError()


def _condition_failed(response: Mapping[str, Any]) -> AppError:
    return ConditionFailed(_item(response))


def _cancelled(response: Mapping[str, Any]) -> AppError:
    entries: Sequence[Mapping[str, Any]] = response.get("CancellationReasons", ())
    codes = {entry.get("Code", "None") for entry in entries}
    if CONDITION_FAILED in codes:
        return Cancelled(tuple(Reason(entry.get("Code", "None"), _item(entry)) for entry in entries))
    if any(_TOO_LARGE in (entry.get("Message") or "") for entry in entries):
        return ItemTooLarge()
    return unavailable() if codes <= _TRANSIENT_REASONS else StoreError()


def _invalid(response: Mapping[str, Any]) -> AppError:
    return ItemTooLarge() if _TOO_LARGE in response["Error"].get("Message", "") else StoreError()


def _item(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    found = entry.get("Item")
    return from_item(found) if found else None


_SPECIAL: Final[Mapping[str, Callable[[Mapping[str, Any]], AppError]]] = {
    "ConditionalCheckFailedException": _condition_failed,
    "TransactionCanceledException": _cancelled,
    "ValidationException": _invalid,
}
