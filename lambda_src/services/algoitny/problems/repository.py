"""Problems and their test cases in the table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from lambda_src.dynamo.errors import TransactionCancelled, applied
from lambda_src.dynamo.store import ABSENT, EXISTS, Action, Attr, Page, Put, Store, Update, UpdateItem
from lambda_src.errors import InvalidInput
from lambda_src.runtime.clock import Clock, epoch_ms
from lambda_src.services.algoitny import items, tables
from lambda_src.services.algoitny.errors import ProblemExists, ProblemNotFound, TestCaseExists, TooManyTestCases
from lambda_src.services.algoitny.models.problems import Problem, ProblemBody, ProblemStats, TestCase
from lambda_src.services.algoitny.problems import rules

_STANDS = EXISTS & Attr("is_deleted").ne(True)


class WholeProblem(NamedTuple):
    """A problem with all but its test cases."""

    problem: Problem
    body: ProblemBody | None
    execution_count: int


@dataclass(frozen=True, slots=True)
class ProblemRepository:
    store: Store
    clock: Clock

    def create_problem(self, platform: str, problem_id: str, data: Mapping[str, Any]) -> Problem:
        """Keep a new problem. data: by the models' names, `title` among them.

        Raises ProblemExists, InvalidInput, ValueError for fields there are not. 1 request (`create_problem`).
        """
        rules.checked_id(platform, problem_id)
        meta, body = rules.split_fields({"title": "", **data})
        now = epoch_ms(self.clock())
        key: dict[str, Any] = {"platform": platform, "problem_id": problem_id, "created_at": now, "updated_at": now}
        problem, texts = Problem(**key, **meta), ProblemBody(**key, **body)
        puts: list[Action] = [Put(items.PROBLEM, problem, ABSENT), Put(items.PROBLEM_BODY, texts, ABSENT)]
        if not applied(self.store.transact, tables.CREATE_PROBLEM, puts):
            raise ProblemExists
        return problem

    def get_problem(self, platform: str, problem_id: str, *, body: bool = True) -> WholeProblem | None:
        """A problem, also a deleted one; None when there is none. body: else only what is light.

        1 request (`get_problem_parts`, `get_problem`).
        """
        key = {"platform": platform, "problem_id": problem_id}
        if not body:
            problem = self.store.get(tables.GET_PROBLEM, **key)
            return None if problem is None else WholeProblem(problem, None, 0)
        keys = [entity.key(**key) for entity in (items.PROBLEM, items.PROBLEM_BODY, items.PROBLEM_STATS)]
        parts = {type(each): each for each in self.store.batch_get(tables.GET_PROBLEM_PARTS, keys)}
        stats = parts.get(ProblemStats, ProblemStats(platform, problem_id))
        found = parts.get(Problem)
        return None if found is None else WholeProblem(found, parts.get(ProblemBody), stats.execution_count)

    def update_problem(self, platform: str, problem_id: str, updates: Mapping[str, Any]) -> None:
        """Change fields of a problem, by the models' names; an empty value takes one away.

        Raises ProblemNotFound, for a deleted one too, InvalidInput, ValueError for fields there are not. 1 request
        (`update_problem`), 2 where it is put under review, since its place in that list tells when it was made.
        """
        meta, body = rules.split_fields(updates)
        now = epoch_ms(self.clock())
        key = {"platform": platform, "problem_id": problem_id}
        change = Update().set(updated_at=now).assign({**meta, **self._index_keys(platform, problem_id, meta)})
        action = UpdateItem(items.PROBLEM.key(**key), change, _STANDS)
        if body:
            texts = UpdateItem(items.PROBLEM_BODY.key(**key), Update().set(updated_at=now).assign(body), EXISTS)
            is_there = applied(self.store.transact, tables.UPDATE_PROBLEM_AND_BODY, [action, texts])
        else:
            is_there = applied(self.store.update, tables.UPDATE_PROBLEM, action)
        if not is_there:
            raise ProblemNotFound

    def _index_keys(self, platform: str, problem_id: str, meta: Mapping[str, Any]) -> dict[str, Any]:
        """The index keys of a problem that stands, as far as these fields change them."""
        keys: dict[str, Any] = {}
        if "is_completed" in meta:
            keys["GSI1PK"] = "PROB#COMPLETED" if meta["is_completed"] else "PROB#DRAFT"
        if meta.get("needs_review"):
            found = self.store.get(tables.GET_PROBLEM, platform=platform, problem_id=problem_id)
            if found is None:
                raise ProblemNotFound
            of_index = items.PROBLEM.index_keys_of(replace(found, needs_review=True, is_deleted=False))
            keys |= {name: of_index[name] for name in items.GSI2.attributes}
        elif "needs_review" in meta:
            keys |= dict.fromkeys(items.GSI2.attributes)
        return keys

    def add_testcases_batch(self, platform: str, problem_id: str, testcases: Sequence[Mapping[str, Any]]) -> int:
        """Add test cases and count them; returns how many. testcases: each a testcase_id, an input, an output if known.

        All or none of up to 99 that have 3.5 MB at most; of more, what stands before the first that is refused. Raises
        ProblemNotFound, TestCaseExists, TooManyTestCases, PayloadTooLarge, InvalidInput. 1 request for each such chunk
        (`add_testcases_batch`).
        """
        now = epoch_ms(self.clock())
        new = [rules.new_testcase(platform, problem_id, each, now) for each in testcases]
        if len({each.sort_id for each in new}) < len(new):
            raise InvalidInput("testcases: two have the same id")
        for chunk in rules.chunks(new):
            self._add_chunk(platform, problem_id, chunk, now)
        return len(new)

    def _add_chunk(self, platform: str, problem_id: str, chunk: Sequence[TestCase], now_ms: int) -> None:
        room = Attr("test_case_count").lte(rules.MAX_TESTCASES - len(chunk))
        count = Update().set(updated_at=now_ms).add(test_case_count=len(chunk))
        meta = items.PROBLEM.key(platform=platform, problem_id=problem_id)
        actions: list[Action] = [Put(items.TEST_CASE, each, ABSENT) for each in chunk]
        actions.append(UpdateItem(meta, count, _STANDS & room, return_old=True))
        try:
            self.store.transact(tables.ADD_TESTCASES_BATCH, actions)
        except TransactionCancelled as exc:
            taken = tuple(chunk[position].testcase_id for position in exc.failed_positions if position < len(chunk))
            if taken:
                raise TestCaseExists(taken) from exc
            there = exc.reasons[-1].item
            raise ProblemNotFound if there is None or there.get("del") else TooManyTestCases from exc

    def get_testcases(self, platform: str, problem_id: str, limit: int, cursor: str | None = None) -> Page[TestCase]:
        """One page of a problem's test cases: 1, 2, ... 10, and then those with names.

        Raises InvalidCursor. 1 request (`get_testcases`).
        """
        key = {"platform": platform, "problem_id": problem_id}
        return self.store.page(tables.GET_TESTCASES, limit=limit, cursor=cursor, **key)
