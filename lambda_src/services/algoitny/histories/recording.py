"""A run that a member made elsewhere: compared here, charged and kept at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lambda_src.errors import AppError, PayloadTooLarge, StoreUnavailable
from lambda_src.runtime.clock import Clock
from lambda_src.runtime.metrics import Metrics
from lambda_src.services.algoitny.checks import checked_line, size_bytes
from lambda_src.services.algoitny.errors import HistoryNotFound, NoTestcases, PlanForbidden, PlanLimitProblems
from lambda_src.services.algoitny.histories import rules
from lambda_src.services.algoitny.histories.repository import NewRun, SearchHistoryRepository, WholeHistory
from lambda_src.services.algoitny.histories.rules import Output
from lambda_src.services.algoitny.models.plans import UNLIMITED
from lambda_src.services.algoitny.models.problems import Problem
from lambda_src.services.algoitny.models.users import Principal
from lambda_src.services.algoitny.plans.service import PlanCatalog
from lambda_src.services.algoitny.problems.service import Problems
from lambda_src.services.algoitny.settings import Counts
from lambda_src.services.algoitny.statistics.service import Statistics
from lambda_src.services.algoitny.tasks.service import new_id
from lambda_src.services.algoitny.usage.charge import Consumed
from lambda_src.services.algoitny.usage.service import Repeatable, UsageService


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
        try:
            consumed = self.usage.charge(
                caller,
                "execution",
                problem_id=run.history.problem_key,
                metadata={"history_id": run.history.history_id},
                extra_writes=self.histories.writes(run.history),
                repeatable=repeatable,
            )
        except StoreUnavailable:
            raise  # perhaps it came about, and then it needs its body
        except AppError:
            self.histories.drop_body(run)
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
