"""Runs in the table: the run itself, code and results, hints, and where it stands in public lists."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from lambda_src.dynamo.errors import ConditionFailed, TransactionCancelled, applied
from lambda_src.dynamo.schema import AccessPattern, ItemKey
from lambda_src.dynamo.store import ABSENT, EXISTS, Action, Attr, Delete, Page, Part, Put, Store, Update, UpdateItem
from lambda_src.errors import AlreadyExists, StoreUnavailable, VersionMismatch
from lambda_src.runtime.clock import Clock, epoch_ms
from lambda_src.services.algoitny import items, tables
from lambda_src.services.algoitny.errors import HistoryNotFound
from lambda_src.services.algoitny.histories import rules
from lambda_src.services.algoitny.histories.clients import ResultObjects, as_json
from lambda_src.services.algoitny.histories.rules import Spread
from lambda_src.services.algoitny.models.histories import (
    History,
    HistoryBody,
    HistoryHint,
    LanguagePointer,
    PlatformPointer,
    TestResult,
)
from lambda_src.services.algoitny.models.problems import Problem, TestCase
from lambda_src.services.algoitny.problems.rules import sort_id
from lambda_src.services.algoitny.statistics.service import Statistics

logger = logging.getLogger(__name__)

_TRIES: Final = 3  # of a change that others overtake
_HINT_CHARACTERS: Final = 2000


class NewRun(NamedTuple):
    """A run that is to be kept. content: of its results, where they are an object of their own."""

    history: History
    body: HistoryBody
    content: bytes | None


@dataclass(frozen=True, slots=True)
class WholeHistory:
    """A run with what belongs to it. results: None when no longer kept. problem, cases: if asked for."""

    history: History
    code: str
    results: tuple[TestResult, ...] | None
    hint: HistoryHint | None = None
    problem: Problem | None = None
    cases: Mapping[str, TestCase] | None = None


@dataclass(frozen=True, slots=True)
class SearchHistoryRepository:
    """Ids are taken as they come: who has one from outside asks `rules.HISTORY_ID` first."""

    store: Store
    objects: ResultObjects
    spread: Spread
    statistics: Statistics
    clock: Clock

    def create_history(self, history_id: str, data: Mapping[str, Any]) -> History:
        """Keep a run. data: as for `new_run`.

        Raises AlreadyExists for an id that is taken, whose code and results are overwritten: it is the same run again.
        Raises StorageUnavailable. 2 requests (`keep_history_body`, `create_history`), 1 to S3 for long results.
        """
        run = self.new_run(history_id, data)
        self.keep_body(run)
        try:
            if run.history.is_code_public:
                self.store.transact(tables.CREATE_PUBLIC_HISTORY, self.writes(run.history))
            else:
                self.store.put(tables.CREATE_HISTORY, Put(items.HISTORY, run.history, ABSENT))
        except (ConditionFailed, TransactionCancelled) as exc:
            raise AlreadyExists from exc
        return run.history

    def new_run(self, history_id: str, data: Mapping[str, Any]) -> NewRun:
        """A run of now, by the models' names; `test_results` are counted. No request."""
        now, given = epoch_ms(self.clock()), dict(data)
        code, results = given.pop("code"), tuple(given.pop("test_results", ()))
        passed = sum(each.passed for each in results)
        counts = {"passed_count": passed, "failed_count": len(results) - passed, "total_count": len(results)}
        given |= {"created_at": now, "updated_at": now, "result_summary": rules.verdict(results), **counts}
        history = self._placed(History(history_id=history_id, **given))
        body, content = HistoryBody(history_id=history_id, created_at=now, code=code), as_json(results)
        if len(content) <= rules.INLINE_RESULT_BYTES:
            return NewRun(history, replace(body, test_results=results), None)
        key = rules.results_key(history_id, now)
        return NewRun(history, replace(body, results_s3_key=key, results_count=len(results)), content)

    def keep_body(self, run: NewRun) -> None:
        """Keep code and results; nobody sees them before the run itself is there. 1 request, 1 to S3 for long ones."""
        if run.body.results_s3_key is not None and run.content is not None:
            self.objects.put(run.body.results_s3_key, run.content)
        self.store.put(tables.KEEP_HISTORY_BODY, Put(items.HISTORY_BODY, run.body))

    def drop_body(self, run: NewRun) -> None:
        """Forget what `keep_body` kept, in as many requests; what cannot be reached now stays, and is logged."""
        try:
            key = items.HISTORY_BODY.key(history_id=run.body.history_id)
            self.store.delete(tables.KEEP_HISTORY_BODY, Delete(key))
            self._delete_results(run.body)
        except StoreUnavailable:
            logger.warning("body left behind", extra={"history_id": run.body.history_id}, exc_info=True)

    def writes(self, history: History) -> list[Action]:
        """What keeps a run whose body is kept: itself, first, and its places in public lists. No request."""
        pointers = (Put(*each) for each in _pointers(history)) if history.is_code_public else ()
        return [Put(items.HISTORY, history, ABSENT), *pointers]

    def _placed(self, history: History) -> History:
        """The same, with its place in the timeline if it is public."""
        if not history.is_code_public:
            return replace(history, timeline=None)
        shard, timeline = self.spread.place(history.history_id)
        return replace(history, public_shard=shard, timeline=timeline)

    def get_history(self, history_id: str) -> History | None:
        """A run without what is long. 1 request (`get_history`)."""
        return self.store.get(tables.GET_HISTORY, history_id=history_id)

    def get_whole(self, history_id: str) -> WholeHistory | None:
        """A run with code, results and hints. 1 request (`history_parts`), 1 to S3 for long results."""
        parts = self._parts(history_id)
        if (history := parts.get(History)) is None:
            return None
        body = parts.get(HistoryBody) or HistoryBody(history_id=history_id, created_at=history.created_at)
        results = body.test_results if body.results_s3_key is None else self.objects.read(body.results_s3_key)
        return WholeHistory(history, body.code, results, parts.get(HistoryHint))

    def get_history_with_testcases(self, history_id: str) -> WholeHistory | None:
        """A run with the test cases that it was held against, as far as there are such still.

        2 requests (`history_parts`, `testcases_by_id`), 1 more per 100 results, 1 to S3 for long ones.
        """
        found = self.get_whole(history_id)
        if found is None:
            return None
        key = {"platform": found.history.platform, "problem_id": found.history.problem_number}
        ids = (sort_id(each.test_case_id) for each in found.results or ())
        keys = [items.PROBLEM.key(**key), *(items.TEST_CASE.key(**key, sort_id=each) for each in ids)]
        of_problem = self.store.batch_get(tables.TESTCASES_BY_ID, keys)
        problem = next((each for each in of_problem if isinstance(each, Problem)), None)
        cases = {each.testcase_id: each for each in of_problem if isinstance(each, TestCase)}
        return replace(found, problem=problem, cases=cases)

    def update_hints(self, history_id: str, hints: Sequence[str]) -> None:
        """Give a run its hints: 3 to 5 texts of up to 2,000 characters.

        Raises HistoryNotFound, and ValueError for other hints. 1 request (`update_hints`).
        """
        if not 3 <= len(hints) <= 5 or not all(0 < len(each) <= _HINT_CHARACTERS for each in hints):
            raise ValueError("a run has 3 to 5 hints of up to 2,000 characters")
        now = epoch_ms(self.clock())
        said = {**items.HISTORY_HINT.constants, "hints": tuple(hints), "status": "COMPLETED", "updated_at": now}
        hint, counted = Update().set(**said).set_if_absent(created_at=now), Update().set(hint_count=len(hints))
        actions = [
            UpdateItem(items.HISTORY_HINT.key(history_id=history_id), hint),
            UpdateItem(items.HISTORY.key(history_id=history_id), counted.set(updated_at=now), EXISTS),
        ]
        try:
            self.store.transact(tables.UPDATE_HINTS, actions)
        except TransactionCancelled as exc:
            raise HistoryNotFound from exc

    def update_public_status(self, history_id: str, is_public: bool, *, owned_by: int | None = None) -> History:  # noqa: FBT001 -- published
        """Show a run to everybody, or no longer; returns it as it is then. It keeps its place among the others.

        owned_by: whose it has to be. Raises HistoryNotFound, VersionMismatch when others overtake each try. 2 requests
        (`get_history`, `update_public_status`), 1 when it is so already.
        """
        for _ in range(_TRIES):
            seen = _owned(self.get_history(history_id), owned_by)
            if seen.is_code_public == is_public:
                return seen
            changed = self._placed(replace(seen, is_code_public=is_public, updated_at=epoch_ms(self.clock())))
            if applied(self.store.transact, tables.UPDATE_PUBLIC_STATUS, _toggle(seen, changed)):
                return changed
        raise VersionMismatch

    def delete_history(self, history_id: str, *, owned_by: int | None = None) -> None:
        """Forget a run with all that belongs to it.

        owned_by: whose it has to be. Raises HistoryNotFound, VersionMismatch when others overtake each try. 2 requests
        (`history_parts`, `delete_history`), 1 to S3 for long results, which otherwise end after 90 days.
        """
        others = [Delete(entity.key(history_id=history_id)) for entity in (items.HISTORY_BODY, items.HISTORY_HINT)]
        for _ in range(_TRIES):
            parts = self._parts(history_id)
            seen = _owned(parts.get(History), owned_by)
            own = Delete(items.HISTORY.key(history_id=history_id), _as_seen(seen))
            pointers = (Delete(entity.key_of(pointer)) for entity, pointer in _pointers(seen))
            if applied(self.store.transact, tables.DELETE_HISTORY, [own, *others, *pointers]):
                if (body := parts.get(HistoryBody)) is not None:
                    self._delete_results(body)
                return
        raise VersionMismatch

    def _parts(self, history_id: str) -> dict[type, Any]:
        """What there is of a run, by its kind."""
        return {type(each): each for each in self.store.items(tables.HISTORY_PARTS, history_id=history_id)}

    def _delete_results(self, body: HistoryBody) -> None:
        if body.results_s3_key is None:
            return
        try:
            self.objects.delete(body.results_s3_key)
        except StoreUnavailable:
            logger.warning("results left behind", extra={"history_id": body.history_id}, exc_info=True)

    def list_user_history(self, user_id: int, limit: int, cursor: str | None = None) -> Page[History]:
        """One page of a user's runs, newest first. Raises InvalidCursor. 1 request (`list_user_history`)."""
        return self.store.page(tables.LIST_USER_HISTORY, limit=limit, cursor=cursor, user_id=user_id)

    def list_public_history(self, limit: int, cursor: str | None = None) -> Page[History]:
        """One page of all public runs, newest first. It may be short: what is no longer public is left out.

        Raises InvalidCursor. 1 request per partition that is read, and 1 (`list_public_history`, `histories_by_id`).
        """
        timelines = [{"timeline": each} for each in self.spread.timelines()]
        return self._merged(tables.LIST_PUBLIC_HISTORY, limit, cursor, timelines)

    def list_all_history(self, user_id: int, limit: int, cursor: str | None = None) -> Page[History]:
        """One page of a user's own runs and all public ones, each once; as the public list, with 1 request more."""
        public = [Part(tables.LIST_PUBLIC_HISTORY, {"timeline": each}) for each in self.spread.timelines()]
        own = tables.LIST_USER_HISTORY
        return self._merged(own, limit, cursor, ({},), beside=public, bound_to="all", user_id=user_id)

    def search_by_language(self, language: str, limit: int, cursor: str | None = None) -> Page[History]:
        """One page of the public runs in a language, as of all. 1 request per shard, and 1 (`histories_by_id`)."""
        return self._merged(tables.SEARCH_BY_LANGUAGE, limit, cursor, self._shards, language=language)

    def search_by_platform(self, platform: str, limit: int, cursor: str | None = None) -> Page[History]:
        """One page of the public runs of a platform, as of all. 1 request per shard, and 1 (`histories_by_id`)."""
        return self._merged(tables.SEARCH_BY_PLATFORM, limit, cursor, self._shards, platform=platform)

    def count_user_history(self, user_id: int, *, exact: bool = False) -> int:
        """How many runs a user has, as the stream counted; exact: as there are now. 1 request, exactly 1 per MB."""
        if exact:
            return self.store.count(tables.LIST_USER_HISTORY, user_id=user_id)
        return self.statistics.get_stats(user_id).history_count

    def get_recent_public_history_count(self, hours: int) -> int:
        """How many public runs were made in the last 1 to 168 hours. Up to 8 requests (`public_hours`)."""
        return self.statistics.recent_public_runs(hours)[0]

    @property
    def _shards(self) -> list[dict[str, int]]:
        return [{"shard": shard} for shard in range(self.spread.read_shards)]

    def _merged(
        self, pattern: AccessPattern[Any], limit: int, cursor: str | None, partitions: Sequence[Any], **more: Any
    ) -> Page[History]:
        """A page of entries as the runs they stand for, without those that are gone or no longer public."""
        page = self.store.merged_page(pattern, limit=limit, cursor=cursor, partitions=partitions, **more)
        keys = [items.HISTORY.key(history_id=each.history_id) for each in page.items if not isinstance(each, History)]
        public = {each.history_id: each for each in self._batch_get_items(keys) if each.is_code_public}
        runs = [each if isinstance(each, History) else public.get(each.history_id) for each in page.items]
        return Page([each for each in runs if each is not None], page.next_cursor)

    def _batch_get_items(self, keys: Sequence[ItemKey]) -> list[Any]:
        """The items of these keys that there are, in their order. 1 request per 100, none for none."""
        found = {each.history_id: each for each in self.store.batch_get(tables.HISTORIES_BY_ID, keys)}
        ids = (key.entity.pk.parse(key.values["PK"])["history_id"] for key in keys)
        return [found[each] for each in ids if each in found]


def _owned(found: History | None, owned_by: int | None) -> History:
    if found is None or owned_by not in (None, found.user_id):
        raise HistoryNotFound
    return found


def _pointers(history: History) -> list[tuple[Any, Any]]:
    """Where a run stands in the lists of its language and platform, by its stored shard; nowhere if it never did."""
    if history.public_shard is None:
        return []
    place = (history.public_shard, history.created_at, history.history_id)
    return [
        (items.LANGUAGE_POINTER, LanguagePointer(history.language, *place)),
        (items.PLATFORM_POINTER, PlatformPointer(history.platform, *place)),
    ]


def _as_seen(history: History) -> Any:
    """The run is public or not, and in the shard, as it was read."""
    shard = Attr("public_shard")
    same = shard.not_exists() if history.public_shard is None else shard.eq(history.public_shard)
    return EXISTS & Attr("is_code_public").eq(history.is_code_public) & same


def _toggle(seen: History, changed: History) -> list[Action]:
    """What shows a run to everybody, or hides it."""
    change = Update().set(is_code_public=changed.is_code_public, updated_at=changed.updated_at)
    if changed.is_code_public:
        keys = items.HISTORY.index_keys_of(changed)
        change = change.set(public_shard=changed.public_shard, **{name: keys[name] for name in items.GSI2.attributes})
        pointers: list[Action] = [Put(*each) for each in _pointers(changed)]
    else:
        change = change.remove(*items.GSI2.attributes)
        pointers = [Delete(entity.key_of(pointer)) for entity, pointer in _pointers(seen)]
    return [UpdateItem(items.HISTORY.key(history_id=seen.history_id), change, _as_seen(seen)), *pointers]
