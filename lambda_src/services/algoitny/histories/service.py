"""Runs as users see them: lists, single ones, and who may see and change what."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal

from lambda_src.dynamo.store import Page
from lambda_src.errors import BadRequest
from lambda_src.runtime.tokens import TokenMissing
from lambda_src.services.algoitny import items, tables
from lambda_src.services.algoitny.checks import checked_line
from lambda_src.services.algoitny.errors import HistoryNotFound
from lambda_src.services.algoitny.histories import rules
from lambda_src.services.algoitny.histories.repository import SearchHistoryRepository, WholeHistory
from lambda_src.services.algoitny.models.histories import History
from lambda_src.services.algoitny.models.users import Principal
from lambda_src.services.algoitny.problems.rules import may_see

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
        if scope == "mine":
            return self.histories.list_user_history(caller.user_id, limit, cursor)
        return self.histories.list_all_history(caller.user_id, limit, cursor)

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
            try:
                self.histories.delete_history(run.history_id)
            except HistoryNotFound:
                continue
        return len(runs)


def _known(history_id: str) -> str:
    """An id that may be one. Raises HistoryNotFound."""
    if rules.HISTORY_ID.fullmatch(history_id) is None:
        raise HistoryNotFound
    return history_id
