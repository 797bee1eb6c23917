"""Errors of AlgoItny; HTTP answers them with the status of their family, see `lambda_src/errors.py`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from lambda_src.errors import (
    BadRequest,
    Conflict,
    InvalidInput,
    NotAllowed,
    NotFound,
    StoreUnavailable,
    TooManyRequests,
    UpstreamFailed,
)
from lambda_src.runtime.clock import utc_text
from lambda_src.runtime.tokens import BearerRefused

CODES: Final[Mapping[str, str]] = {
    "not_allowed": "forbidden",
    "payload_too_large": "too_large",
    "refresh_invalid": "invalid_token",
    "refresh_reused": "token_reused",
    "token_invalid": "not_authenticated",
}
"""What the API calls codes that all services share."""


class ConsentsRequired(BadRequest, code="consents_required", detail="All three consents are needed"): ...


class PlanUnavailable(BadRequest, code="plan_unavailable", detail="There is no such plan to choose"): ...


class ConfirmationWrong(
    BadRequest, code="confirmation_wrong", detail="Confirm with the e-mail address of the account"
): ...


# One sentence for every reason
class InvalidGoogleToken(BearerRefused, code="invalid_google_token", detail="The Google sign-in is not valid"): ...


class TokenRevoked(BearerRefused, code="token_revoked", detail="This sign-in was ended; sign in again"): ...


class EmailUnverified(NotAllowed, code="email_unverified", detail="Google has not verified this e-mail address"): ...


class PlanForbidden(NotAllowed, code="plan_forbidden", detail="The plan does not cover this problem"): ...


class PlanRequiresApproval(
    NotAllowed, code="plan_requires_approval", detail="An administrator has to give this plan"
): ...


class PlanLimitProblems(NotAllowed, code="plan_limit_problems", detail="The plan covers no more problems"): ...


class UserNotFound(NotFound, detail="User not found"): ...


class PlanNotFound(NotFound, detail="Plan not found"): ...


class ProblemNotFound(NotFound, detail="Problem not found"): ...


class HistoryNotFound(NotFound, detail="History not found"): ...


class TaskNotFound(NotFound, detail="Task not found"): ...


class EmailTaken(Conflict, code="email_taken", detail="Somebody has this e-mail address already"): ...


class GoogleIdTaken(Conflict, code="google_id_taken", detail="Somebody has this Google account already"): ...


class UserIdTaken(Conflict, code="user_id_taken", detail="There is a user of this id already"): ...


class AccountConflict(
    Conflict, code="account_conflict", detail="This e-mail address belongs to another Google account"
): ...


class LastAdmin(Conflict, code="last_admin", detail="Nobody takes this right from themselves"): ...


class PlanNameTaken(Conflict, code="plan_name_taken", detail="There is a plan of this name already"): ...


class PlanInUse(Conflict, code="plan_in_use", detail="Users are on this plan"):
    """user_count: how many are on it."""

    def __init__(self, user_count: int) -> None:
        super().__init__(members={"user_count": user_count})
        self.user_count = user_count


class PlanProtected(Conflict, code="plan_protected", detail="This plan cannot be deleted, renamed or switched off"): ...


class PlanInactive(Conflict, code="plan_inactive", detail="This plan takes no users"): ...


class ProblemExists(Conflict, code="problem_exists", detail="There is this problem already"): ...


class NoTestcases(Conflict, code="no_testcases", detail="The problem has no test cases to run against"): ...


class TestCaseExists(Conflict, code="testcase_exists", detail="There is such a test case already"):
    """testcase_ids: which there are already."""

    def __init__(self, testcase_ids: tuple[str, ...] = ()) -> None:
        super().__init__(members={"testcase_ids": list(testcase_ids)})
        self.testcase_ids = testcase_ids


class TooManyTestCases(Conflict, code="too_many_testcases", detail="A problem has at most 1,000 test cases"): ...


class NotFailed(Conflict, code="not_failed", detail="Only a task that failed can be tried again"): ...


class LeaseHeld(Conflict, code="lease_held", detail="Another delivery is at work on this task"):
    retryable = True
    is_expected = True


class ExtraWriteConflict(Conflict):
    """What was to be written with a charge stood against it; nothing was charged. index: of that write."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index


class KeyReused(
    InvalidInput, code="idempotency_key_reused", detail="The idempotency key was used for another request"
): ...


class LimitExceeded(TooManyRequests, code="rate_limited"):
    """A plan's limit of a day is used up. reset_at: when the next one begins; seconds: until then, from 1."""

    def __init__(self, action: str, current_count: int, limit: int, *, reset_at: datetime, seconds: int) -> None:
        self.current_count, self.limit, self.reset_at = current_count, limit, reset_at
        pause, resets = max(1, seconds), utc_text(reset_at, "seconds")
        counts = {"action": action, "current_count": current_count, "limit": limit, "remaining": 0}
        super().__init__(
            f"Daily {action} limit exceeded ({current_count}/{limit}). Resets at {resets}",
            retry_after_seconds=pause,
            members={**counts, "reset_at": resets, "retry_after_seconds": pause},
        )

    @property
    def headers(self) -> Mapping[str, str]:
        reset = str(int(self.reset_at.timestamp()))
        return {"X-RateLimit-Limit": str(self.limit), "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}


class GoogleUnavailable(UpstreamFailed, code="google_unavailable", detail="Google cannot be asked at the moment"): ...


class StorageUnavailable(
    StoreUnavailable, code="storage_unavailable", detail="The object store cannot be reached at the moment"
): ...
