"""What each address of the console asks its sources, and which page shows the answers.

Plain functions: Starlette runs them in threads, and boto3 clients may be shared between threads.
"""

from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse

from cdk_app.local.console.log_lines import LogLine
from cdk_app.local.console.log_tail import LogSource, LogTail
from cdk_app.local.console.markup import Markup
from cdk_app.local.console.sources import (
    Clients,
    QueueDepth,
    SourceUnavailable,
    attempt,
    dead_letter_url,
    function_facts,
    peek,
    queue_depth,
)
from cdk_app.local.console.table_reader import InvalidQuestion, Question, describe, read_page
from cdk_app.local.console.views.log import SHOWN_ON_OVERVIEW, SHOWN_ON_PAGE, log_page, log_rows
from cdk_app.local.console.views.overview import (
    function_label,
    overview_log,
    overview_page,
    queues_part,
    tables_page,
    tables_part,
)
from cdk_app.local.console.views.queues import dead_letters_page
from cdk_app.local.console.views.sign_in import callback_page, callback_policy
from cdk_app.local.console.views.tables import table_page, unreadable_table_page
from cdk_app.local.running import LocalCloud


class Endpoints:
    """The endpoints of the console of one local cloud."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._clients = Clients.of(cloud)
        self._functions = [
            (function_label(service, function.name), function)
            for service in cloud.services
            for function in service.functions
        ]
        self._queues = [queue for service in cloud.services for queue in service.queues]
        self._table_names = [name for service in cloud.services for name in service.table_names]
        sources = [LogSource(function.log_group, label) for label, function in self._functions]
        self._tail = LogTail(self._clients.logs, sources)

    def overview(self, _: Request) -> HTMLResponse:
        """Everything at a glance."""
        facts = [
            (label, attempt(function_facts, self._clients.functions, function.name))
            for label, function in self._functions
        ]
        tail = self._tail.look(limit=SHOWN_ON_OVERVIEW, matches=_wanted(everything=False, correlation=None))
        log = overview_log(tail, self._tail.name)
        return HTMLResponse(overview_page(self._cloud, facts, self._queues_part(), self._tables_part(), log))

    def log(self, request: Request) -> HTMLResponse:
        """The newest lines, `show=all` or `show=work`, of one correlation id or of all."""
        everything, correlation = _shown(request)
        tail = self._tail.look(limit=SHOWN_ON_PAGE, matches=_wanted(everything=everything, correlation=correlation))
        return HTMLResponse(log_page(tail, self._tail.name, everything=everything, correlation=correlation))

    def live_log(self, request: Request) -> HTMLResponse:
        """The rows that came after `after` in the tail of that name; all rows for a page that knew another tail."""
        everything, correlation = _shown(request)
        same_tail = request.query_params.get("tail") == self._tail.name
        tail = self._tail.look(
            after=_number(request, "after", at_most=2**53) if same_tail else 0,
            limit=_number(request, "limit", at_most=SHOWN_ON_PAGE),
            matches=_wanted(everything=everything, correlation=correlation),
        )
        return HTMLResponse(log_rows(tail, self._tail.name))

    def live_queues(self, _: Request) -> HTMLResponse:
        """The depths of all queues."""
        return HTMLResponse(self._queues_part())

    def live_tables(self, _: Request) -> HTMLResponse:
        """All tables with their counts."""
        return HTMLResponse(self._tables_part())

    def tables(self, _: Request) -> HTMLResponse:
        """All tables with their counts, as a page."""
        return HTMLResponse(tables_page(self._tables_part()))

    def table(self, request: Request) -> HTMLResponse:
        """The items of a table: any, those of a partition, or those whose sort key begins with a text."""
        name = request.path_params["name"]
        if name not in self._table_names:
            raise HTTPException(404, f"There is no table {name} in this local cloud.")
        given = request.query_params
        question = Question(
            index=given.get("index") or None,
            partition=given.get("partition") or None,
            sort_prefix=given.get("sort") or None,
            start=given.get("start") or None,
        )
        try:
            facts = describe(self._clients.dynamodb, name)
        except SourceUnavailable as error:
            return HTMLResponse(unreadable_table_page(name, str(error)), 502)
        try:
            return HTMLResponse(table_page(facts, question, read_page(self._clients.dynamodb, facts, question)))
        except InvalidQuestion as error:
            return HTMLResponse(table_page(facts, question, str(error)), 400)
        except SourceUnavailable as error:
            return HTMLResponse(table_page(facts, question, str(error)), 502)

    def callback(self, request: Request) -> HTMLResponse:
        """Where a sign-in ends, with `code` or `error`."""
        service = next((each for each in self._cloud.services if each.signs_in), None)
        if service is None:
            raise HTTPException(404, "No service of this local cloud signs people in.")
        given = request.query_params
        body = callback_page(
            service, console_url=self._cloud.console_url, error=given.get("error"), has_code=bool(given.get("code"))
        )
        return HTMLResponse(body, headers={"Content-Security-Policy": callback_policy(service)})

    def dead_letters(self, request: Request) -> HTMLResponse:
        """What lies in a dead-letter queue. Other queues are not shown: a look would count as a receive there."""
        name = request.path_params["name"]
        url = dead_letter_url(self._queues, name)
        if url is None:
            raise HTTPException(404, f"There is no dead-letter queue {name} in this local cloud.")
        return HTMLResponse(dead_letters_page(name, attempt(peek, self._clients.sqs, url)))

    def _queues_part(self) -> Markup:
        depths = []
        for queue in self._queues:
            dead = queue.dead_letter_url
            depths.append((queue, self._depth(queue.url), self._depth(dead) if dead is not None else None))
        return queues_part(depths)

    def _depth(self, url: str) -> QueueDepth | SourceUnavailable:
        return attempt(queue_depth, self._clients.sqs, url)

    def _tables_part(self) -> Markup:
        return tables_part([(name, attempt(describe, self._clients.dynamodb, name)) for name in self._table_names])


def _shown(request: Request) -> tuple[bool, str | None]:
    """(every line, only this correlation id) as the address says."""
    return request.query_params.get("show") == "all", request.query_params.get("correlation", "").strip() or None


def _wanted(*, everything: bool, correlation: str | None) -> Callable[[LogLine], bool]:
    def wanted(line: LogLine) -> bool:
        return (everything or line.is_work) and (correlation is None or line.correlation_id == correlation)

    return wanted


def _number(request: Request, name: str, *, at_most: int) -> int:
    """A number of the address, held between 0 and `at_most`; the most when it is missing or no number."""
    text = request.query_params.get(name, "")
    return min(int(text), at_most) if text.isascii() and text.isdigit() and len(text) <= 16 else at_most
