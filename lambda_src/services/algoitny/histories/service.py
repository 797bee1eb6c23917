"""Runs as users see them: lists, single ones, who may see and change what, and those that a member made elsewhere."""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

from lambda_src.dynamo.errors import Contended
from lambda_src.dynamo.store import Page
from lambda_src.errors import AppError, BadRequest, PayloadTooLarge, StoreUnavailable
from lambda_src.runtime.clock import Clock
from lambda_src.runtime.metrics import Metrics
from lambda_src.runtime.tokens import TokenMissing
from lambda_src.services.algoitny import items, tables
from lambda_src.services.algoitny.checks import checked_line, size_bytes
from lambda_src.services.algoitny.errors import HistoryNotFound, NoTestcases, PlanForbidden, PlanLimitProblems
from lambda_src.services.algoitny.histories import rules
from lambda_src.services.algoitny.histories.repository import NewRun, SearchHistoryRepository, WholeHistory
from lambda_src.services.algoitny.histories.rules import Output
from lambda_src.services.algoitny.models.histories import History
from lambda_src.services.algoitny.models.plans import UNLIMITED
from lambda_src.services.algoitny.models.problems import Problem
from lambda_src.services.algoitny.models.users import Principal
from lambda_src.services.algoitny.plans.service import PlanCatalog
from lambda_src.services.algoitny.problems.rules import may_see
from lambda_src.services.algoitny.problems.service import Problems
from lambda_src.services.algoitny.settings import Counts
from lambda_src.services.algoitny.statistics.service import Statistics
from lambda_src.services.algoitny.tasks.service import new_id
from lambda_src.services.algoitny.usage.charge import Consumed
from lambda_src.services.algoitny.usage.service import Repeatable, UsageService

type Scope = Literal["public", "mine", "all"]

MAX_WITH_CODE: Final = 50  # runs of a page whose code is shown: 3 MiB of the 6 MB of an answer, as people write it
CODE_PAGE_BYTES: Final = 5_000_000  # of such a page, as JSON
SURE_WITH_CODE: Final = 12  # as many fit whatever is in them: JSON has six bytes for some characters
_NAME_CHARACTERS: Final = 50


@dataclass(frozen=True, slots=True)
class Histories:
    histories: SearchHistoryRepository

    def page(self, caller: Principal | None, scope: Scope | None, *, limit: int, cursor: str | None) -> Page[History]:
        """One page of runs, newest first. scope: without one, all the caller may see.

        Raises TokenMissing for a visitor's own runs, InvalidCursor. 1 request for own runs, otherwise one for each
        partition of the timeline and 1, for all of a caller 1 more.
        """
        if scope == "public" or (scope is None and caller is None):
            return self.histories.list_public_history(limit, cursor)
        if caller is None:
            raise TokenMissing
        of_user = self.histories.list_user_history if scope == "mine" else self.histories.list_all_history
        return of_user(caller.user_id, limit, cursor)

    def search(self, language: str | None, platform: str | None, *, limit: int, cursor: str | None) -> Page[History]:
        """One page of the public runs in a language, or of a platform, newest first; in any case.

        Raises BadRequest for both or neither, InvalidInput, InvalidCursor. Requests as for the public list.
        """
        if language is not None and platform is None:
            name = rules.canonical_language(checked_line("language", language, characters=_NAME_CHARACTERS))
            return self.histories.search_by_language(name, limit, cursor)
        if platform is not None and language is None:
            name = checked_line("platform", platform, characters=_NAME_CHARACTERS).lower()
            return self.histories.search_by_platform(name, limit, cursor)
        raise BadRequest("Search by one of language and platform")

    def codes(self, runs: Iterable[History]) -> dict[str, str]:
        """The code of runs that the caller sees, by their ids. 1 request."""
        keys = [items.HISTORY_BODY.key(history_id=each.history_id) for each in runs]
        return {each.history_id: each.code for each in self.histories.store.batch_get(tables.HISTORIES_BY_ID, keys)}

    def page_with_code(
        self, caller: Principal | None, scope: Scope | None, *, limit: int, cursor: str | None
    ) -> tuple[Page[History], dict[str, str]]:
        """The same with the code of each run, by its id: up to 50, fewer where their code is long.

        1 request more; all again where it turns out to be more than an answer holds.
        """
        for most in (MAX_WITH_CODE, SURE_WITH_CODE):
            page = self.page(caller, scope, limit=min(limit, most), cursor=cursor)
            codes = self.codes(page.items)
            if len(json.dumps(codes, ensure_ascii=False).encode()) <= CODE_PAGE_BYTES:
                break
        return page, codes

    def read(self, history_id: str, caller: Principal | None, *, with_cases: bool) -> WholeHistory:
        """A run with code and results, for everybody if it is public, and otherwise for who made it.

        with_cases: what it was held against, as far as the caller may see the problem. Raises HistoryNotFound,
        StorageUnavailable. 1 request, 1 per 100 test cases, 1 to S3 for long results.
        """
        read = self.histories.get_history_with_testcases if with_cases else self.histories.get_whole
        found = read(_known(history_id))
        if found is None or not (found.history.is_code_public or rules.is_own(found.history, caller)):
            raise HistoryNotFound
        if found.problem is not None and may_see(caller, found.problem):
            return found
        return replace(found, cases={} if with_cases else None)

    def publish(self, history_id: str, caller: Principal, *, is_public: bool) -> History:
        """Show one's run to everybody, or no longer. Raises HistoryNotFound, VersionMismatch. 2 requests."""
        return self.histories.update_public_status(_known(history_id), is_public, owned_by=caller.user_id)

    def delete(self, history_id: str, caller: Principal) -> None:
        """Forget one's run; administrators any. Raises HistoryNotFound, VersionMismatch. 2 requests, 1 more to S3."""
        self.histories.delete_history(_known(history_id), owned_by=None if caller.is_admin else caller.user_id)

    def purge(self, user_id: int, *, most: int = 25) -> int:
        """Forget up to `most` runs of a user; returns how many were found, 0 when none is left. 1 request, 2 for each.

        The list lags by about a second: runs that it still shows are found again, and forgotten once.
        """
        runs = self.histories.store.items(tables.LIST_USER_HISTORY, user_id=user_id, stop_after=most)
        for run in runs:
            with suppress(HistoryNotFound):
                self.histories.delete_history(run.history_id)
        return len(runs)


@dataclass(frozen=True, slots=True)
class Submission:
    """What a member sends of a run."""

    platform: str
    problem_id: str
    language: str
    code: str
    outputs: Sequence[Output]
    is_code_public: bool


class Recorded(NamedTuple):
    """A run that is kept, as its owner sees it. consumed: `charged` is False where it was sent before."""

    whole: WholeHistory
    consumed: Consumed


@dataclass(frozen=True, slots=True)
class RunRecorder:
    histories: SearchHistoryRepository
    problems: Problems
    plans: PlanCatalog
    statistics: Statistics
    usage: UsageService
    metrics: Metrics
    clock: Clock

    def record(self, caller: Principal, sent: Submission, repeatable: Repeatable | None = None) -> Recorded:
        """Compare, charge and keep a run; of one that was sent before, the first.

        Everything is looked up before it is charged, and code and results are stored before: the charge and the run
        are then one transaction. Where that does not come about, they are removed again; a process that ends in
        between leaves them behind, where nobody sees them.

        Raises InvalidInput, PayloadTooLarge, ProblemNotFound, NoTestcases, PlanForbidden, PlanLimitProblems, KeyReused,
        LimitExceeded, StorageUnavailable. 6 requests, 1 more with a key, 2 more where the plan limits problems, 1 more
        per MB of test cases, 1 to S3 for long results.
        """
        language = _checked(sent)
        if (earlier := self.usage.preview(caller, "execution", repeatable)) is not None:
            return self._first(earlier)
        problem = self._runnable(caller, sent)
        results = rules.compared(sent.outputs, self.problems.test_cases(sent.platform, sent.problem_id))
        data = {
            "user_id": caller.user_id, "user_identifier": caller.user.email, "display_name": caller.user.name,
            "platform": problem.platform, "problem_number": problem.problem_id, "problem_title": problem.title,
            "language": language, "is_code_public": sent.is_code_public, "metadata": {"source": "client"},
            "code": sent.code, "test_results": results,
        }  # fmt: skip
        run = self.histories.new_run(new_id(self.clock()), data)
        self.histories.keep_body(run)
        consumed = self._charged(caller, run, repeatable)
        if not consumed.charged:
            return self._first(consumed)
        self.metrics.count(Counts.RUN_RECORDED)
        return Recorded(WholeHistory(run.history, sent.code, results), consumed)

    def _charged(self, caller: Principal, run: NewRun, repeatable: Repeatable | None) -> Consumed:
        kept, said = run.history, {"history_id": run.history.history_id}
        try:
            consumed = self.usage.charge(
                caller, "execution", problem_id=kept.problem_key, metadata=said,
                extra_writes=self.histories.writes(kept), repeatable=repeatable,
            )  # fmt: skip
        except AppError as error:
            if isinstance(error, Contended) or not isinstance(error, StoreUnavailable):
                self.histories.drop_body(run)  # else perhaps it came about, and then it needs its body
            raise
        if not consumed.charged:
            self.histories.drop_body(run)
        return consumed

    def _runnable(self, caller: Principal, sent: Submission) -> Problem:
        """The problem, if the caller may run it."""
        problem, plan = self.problems.visible(sent.platform, sent.problem_id, caller), self.plans.of(caller)
        if not (plan.can_view_all_problems or problem.verified_by_admin):
            raise PlanForbidden
        if problem.test_case_count == 0:
            raise NoTestcases
        if (
            plan.max_problems != UNLIMITED
            and not self.statistics.has_run(caller.user_id, problem.platform, problem.problem_id)
            and self.statistics.count_unique_problems(caller.user_id) >= plan.max_problems
        ):
            raise PlanLimitProblems
        return problem

    def _first(self, consumed: Consumed) -> Recorded:
        """What came of a request when it was sent first. Raises HistoryNotFound when that was deleted since."""
        found = None if consumed.task_id is None else self.histories.get_whole(consumed.task_id)
        if found is None:
            raise HistoryNotFound
        return Recorded(found, consumed)


def _checked(sent: Submission) -> str:
    """The language of a run whose texts can be stored. Raises InvalidInput, PayloadTooLarge."""
    checked_line("platform", sent.platform, characters=50)
    checked_line("problem_id", sent.problem_id, characters=50)
    if size_bytes("code", sent.code) > rules.CODE_BYTES:
        raise PayloadTooLarge(f"The code has at most {rules.CODE_BYTES} bytes")
    for each in sent.outputs:
        size_bytes("error", each.error)
        if size_bytes("output", each.output) > rules.OUTPUT_BYTES:
            raise PayloadTooLarge(f"An output has at most {rules.OUTPUT_BYTES} bytes")
    return rules.runnable_language(sent.language)


def _known(history_id: str) -> str:
    """An id that may be one. Raises HistoryNotFound."""
    if rules.HISTORY_ID.fullmatch(history_id) is None:
        raise HistoryNotFound
    return history_id
