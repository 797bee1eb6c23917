"""What runs want to know of problems: whether somebody sees one, and its test cases."""

from collections.abc import Iterable
from dataclasses import dataclass

from lambda_src.dynamo.store import Store
from lambda_src.services.algoitny import items, tables
from lambda_src.services.algoitny.errors import ProblemNotFound
from lambda_src.services.algoitny.models.problems import Problem, TestCase
from lambda_src.services.algoitny.principals import Principal
from lambda_src.services.algoitny.problems import rules


@dataclass(frozen=True, slots=True)
class Problems:
    store: Store

    def visible(self, platform: str, problem_id: str, caller: Principal | None) -> Problem:
        """A problem that the caller may see, without what is long. Raises ProblemNotFound. 1 request."""
        found = self.store.get(tables.GET_PROBLEM, platform=platform, problem_id=problem_id)
        if found is None or not rules.may_see(caller, found):
            raise ProblemNotFound
        return found

    def test_cases(self, platform: str, problem_id: str) -> dict[str, TestCase]:
        """All test cases of a problem, by id. 1 request per MB; 0.5 RRU per 4 KB."""
        found = self.store.items(tables.GET_TESTCASES, platform=platform, problem_id=problem_id)
        return {each.testcase_id: each for each in found}

    def shown_test_cases(
        self, platform: str, problem_id: str, testcase_ids: Iterable[str], caller: Principal | None
    ) -> dict[str, TestCase]:
        """Those of these test cases that there are, by id; none of a problem that the caller may not see.

        1 request per 100; 0.5 RRU per 4 KB of each.
        """
        key = {"platform": platform, "problem_id": problem_id}
        keys = [items.TEST_CASE.key(**key, sort_id=rules.sort_id(each)) for each in testcase_ids]
        found = self.store.batch_get(tables.TESTCASES_BY_ID, [items.PROBLEM.key(**key), *keys])
        if not any(isinstance(each, Problem) and rules.may_see(caller, each) for each in found):
            return {}
        return {each.testcase_id: each for each in found if isinstance(each, TestCase)}
