"""What runs want to know of problems: whether somebody sees one, and its test cases."""

from dataclasses import dataclass

from lambda_src.dynamo.store import Store
from lambda_src.services.algoitny import tables
from lambda_src.services.algoitny.errors import ProblemNotFound
from lambda_src.services.algoitny.models.problems import Problem, TestCase
from lambda_src.services.algoitny.models.users import Principal
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
