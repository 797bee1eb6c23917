"""Errors of AlgoItny.

BadRequest         400  ConsentsRequired, PlanUnavailable, ConfirmationWrong
NotAuthenticated   401  InvalidGoogleToken, TokenRevoked
NotAllowed         403  EmailUnverified, PlanForbidden, PlanRequiresApproval, PlanLimitProblems
NotFound           404  UserNotFound, PlanNotFound, ProblemNotFound, HistoryNotFound, TaskNotFound
Conflict           409  EmailTaken, GoogleIdTaken, UserIdTaken, AccountConflict, LastAdmin, PlanNameTaken, PlanInUse,
                        PlanProtected, PlanInactive, ProblemExists, NoTestcases, TestCaseExists, TooManyTestCases,
                        NotFailed, ExtraWriteConflict
      (worker only)     LeaseHeld                                             retryable
InvalidInput       422  KeyReused
TooManyRequests    429  LimitExceeded
UpstreamFailed     502  GoogleUnavailable
StoreUnavailable   503  StorageUnavailable
"""

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


class PlanInUse(Conflict):
    """user_count: how many are on it."""

    code = "plan_in_use"
    default_detail = "Users are on this plan"

    def __init__(self, user_count: int) -> None:
        super().__init__()
        self.user_count = user_count

    @property
    def members(self) -> Mapping[str, object]:
        return {"user_count": self.user_count}


class PlanProtected(Conflict, code="plan_protected", detail="This plan cannot be deleted, renamed or switched off"): ...


class PlanInactive(Conflict, code="plan_inactive", detail="This plan takes no users"): ...


class ProblemExists(Conflict, code="problem_exists", detail="There is this problem already"): ...


class NoTestcases(Conflict, code="no_testcases", detail="The problem has no test cases to run against"): ...


class TestCaseExists(Conflict):
    """testcase_ids: which there are already."""

    code = "testcase_exists"
    default_detail = "There is such a test case already"

    def __init__(self, testcase_ids: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.testcase_ids = testcase_ids

    @property
    def members(self) -> Mapping[str, object]:
        return {"testcase_ids": list(self.testcase_ids)}


class TooManyTestCases(Conflict, code="too_many_testcases", detail="A problem has at most 1,000 test cases"): ...


class NotFailed(Conflict, code="not_failed", detail="Only a task that failed can be tried again"): ...


class LeaseHeld(Conflict):
    """Another delivery is at work on the same task."""

    code = "lease_held"
    retryable = True
    is_expected = True
    default_detail = "Another delivery is at work on this task"


class ExtraWriteConflict(Conflict):
    """What was to be written with a charge stood against it; nothing was charged. index: of that write."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index


class KeyReused(
    InvalidInput, code="idempotency_key_reused", detail="The idempotency key was used for another request"
): ...


class LimitExceeded(TooManyRequests):
    """A plan's limit of a day is used up. reset_at: when the next one begins; seconds: until then, from 1."""

    code = "rate_limited"

    def __init__(self, action: str, current_count: int, limit: int, *, reset_at: datetime, seconds: int) -> None:
        self.action, self.current_count, self.limit = action, current_count, limit
        self.reset_at, self.seconds, self._reset_text = reset_at, max(1, seconds), utc_text(reset_at, "seconds")
        detail = f"Daily {action} limit exceeded ({current_count}/{limit}). Resets at {self._reset_text}"
        super().__init__(detail, retry_after_seconds=self.seconds)

    @property
    def members(self) -> Mapping[str, object]:
        counts = {"action": self.action, "current_count": self.current_count, "limit": self.limit, "remaining": 0}
        return {**counts, "reset_at": self._reset_text, "retry_after_seconds": self.seconds}

    @property
    def headers(self) -> Mapping[str, str]:
        reset = str(int(self.reset_at.timestamp()))
        return {"X-RateLimit-Limit": str(self.limit), "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}


class GoogleUnavailable(UpstreamFailed, code="google_unavailable", detail="Google cannot be asked at the moment"): ...


class StorageUnavailable(
    StoreUnavailable, code="storage_unavailable", detail="The object store cannot be reached at the moment"
): ...
