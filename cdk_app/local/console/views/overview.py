"""The first page: services, queues, the newest requests and messages, tables."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from cdk_app.local.console.log_tail import Tail
from cdk_app.local.console.markup import Content, Markup, join, tag
from cdk_app.local.console.sources import FunctionFacts, QueueDepth, SourceUnavailable, queue_name
from cdk_app.local.console.table_reader import TableFacts
from cdk_app.local.console.views.layout import cell, figure, grid, link, notice, page, section
from cdk_app.local.console.views.log import SHOWN_ON_OVERVIEW, log_table
from cdk_app.local.console.views.sign_in import sign_in_address
from cdk_app.local.running import DeployedQueue, LocalCloud, RunningService

type Answer[T] = T | SourceUnavailable

# CloudFormation names a function <stack>-<logical id>-<random>, the CDK ends a logical id with eight hex digits.
LOGICAL_ID: Final = re.compile(r"([A-Za-z]+?)(?:Function)*[0-9A-F]{8}(?:-|$)")


def overview_page(
    cloud: LocalCloud,
    functions: Sequence[tuple[str, Answer[FunctionFacts]]],
    queues: Markup,
    tables: Markup,
    log: Markup,
) -> Markup:
    """The whole first page, from its parts."""
    return page(
        "Overview",
        tag("h1", "Overview", class_="unseen"),
        section("Services", _services(cloud)),
        section("Queues", tag("div", queues, data_live="/live/queues")),
        section("Log", log, tag("p", link("The whole log", "/log"))),
        section("Tables", tag("div", tables, data_live="/live/tables")),
        section("Functions", _functions(functions)),
    )


def overview_log(tail: Tail, name: str) -> Markup:
    """The newest requests and messages, as far as they fit beside the rest."""
    return log_table(tail, name, everything=False, correlation=None, limit=SHOWN_ON_OVERVIEW)


def function_label(service: RunningService, name: str) -> str:
    """What a function is called on the page: its service and its part in it; the physical name is the last resort."""
    found = LOGICAL_ID.search(name.partition("-")[2])
    return f"{service.title} {found[1]}" if found else name


def queues_part(depths: Sequence[tuple[DeployedQueue, Answer[QueueDepth], Answer[QueueDepth] | None]]) -> Markup:
    """Queues, each with its own depth and that of its dead-letter queue (None where it has none)."""
    if not depths:
        return tag("p", "No queues are deployed.")
    headings = ("Queue", "Waiting", "In flight", "Delayed", "Dead letters")
    return join(
        *_troubles(answer for _, *answers in depths for answer in answers),
        grid(headings, [_queue_row(*one) for one in depths], class_="cards"),
    )


def tables_part(tables: Sequence[tuple[str, Answer[TableFacts]]]) -> Markup:
    """Tables with what DescribeTable says of their size."""
    if not tables:
        return tag("p", "No tables are deployed.")
    return join(
        *_troubles(answer for _, answer in tables),
        grid(("Table", "Items", "Size", "Indexes"), [_table_row(*one) for one in tables], class_="cards"),
        tag("p", "Counts and sizes are approximate, as DescribeTable gives them.", class_="remark"),
    )


def tables_page(tables: Markup) -> Markup:
    """The list of tables on a page of its own."""
    return page("Tables", tag("section", tag("h1", "Tables"), tag("div", tables, data_live="/live/tables")))


def _services(cloud: LocalCloud) -> Markup:
    rows = [
        tag(
            "tr",
            cell("Service", service.title),
            cell("Address", _address(service.url)),
            cell("Pages", _links(service, console_url=cloud.console_url)),
        )
        for service in cloud.services
    ]
    rows += [
        tag("tr", cell("Service", name), cell("Address", tag("code", url)), cell("Pages", None))
        for name, url in (
            *((f"Stand-in of {stand_in.title}", stand_in.url) for stand_in in cloud.stand_ins),
            ("AWS emulator", cloud.aws_endpoint),
            ("DynamoDB Local", cloud.dynamodb_endpoint),
        )
    ]
    return grid(("Service", "Address", "Pages"), rows, class_="cards")


def _address(url: str) -> Markup:
    return tag("a", url, href=url)


def _links(service: RunningService, *, console_url: str) -> Markup:
    links = [tag("a", "docs", href=f"{service.url}/docs"), " · ", tag("a", "health", href=f"{service.url}/health")]
    if service.signs_in:
        links += [" · ", tag("a", "sign in", href=sign_in_address(service, console_url=console_url))]
    for account in service.accounts:
        links += [" · first user ", tag("code", account.username), ", password ", tag("code", account.password)]
    return join(*links)


def _functions(functions: Sequence[tuple[str, Answer[FunctionFacts]]]) -> Markup:
    rows = [_function_row(*one) for one in functions]
    return join(
        *_troubles(facts for _, facts in functions),
        grid(("Function", "Runtime", "Memory", "Timeout"), rows, class_="cards"),
    )


def _function_row(label: str, facts: Answer[FunctionFacts]) -> Markup:
    known = facts if isinstance(facts, FunctionFacts) else None
    return tag(
        "tr",
        cell("Function", label),
        cell("Runtime", known.runtime if known else "?"),
        cell("Memory", f"{known.memory_megabytes:,} MB" if known else "?", class_="number"),
        cell("Timeout", f"{known.timeout_seconds} s" if known else "?", class_="number"),
    )


def _queue_row(queue: DeployedQueue, depth: Answer[QueueDepth], dead: Answer[QueueDepth] | None) -> Markup:
    known = depth if isinstance(depth, QueueDepth) else None
    letters: Content = "none kept"
    if queue.dead_letter_url is not None:
        number = figure(dead.waiting + dead.in_flight + dead.delayed) if isinstance(dead, QueueDepth) else "?"
        letters = link(number, f"/queues/{queue_name(queue.dead_letter_url)}")
    return tag(
        "tr",
        cell("Queue", queue.name),
        cell("Waiting", figure(known.waiting) if known else "?", class_="number"),
        cell("In flight", figure(known.in_flight) if known else "?", class_="number"),
        cell("Delayed", figure(known.delayed) if known else "?", class_="number"),
        cell("Dead letters", letters, class_="number"),
        class_="trouble" if isinstance(dead, QueueDepth) and dead.waiting else None,
    )


def _table_row(name: str, facts: Answer[TableFacts]) -> Markup:
    known = facts if isinstance(facts, TableFacts) else None
    indexes = ", ".join(schema.index for schema in known.schemas if schema.index) if known else "?"
    return tag(
        "tr",
        cell("Table", link(name, f"/tables/{name}")),
        cell("Items", figure(known.item_count) if known else "?", class_="number"),
        cell("Size", f"{known.size_bytes / 1024:,.1f} KB" if known else "?", class_="number"),
        cell("Indexes", indexes or "none"),
    )


def _troubles(answers: Iterable[object]) -> list[Markup]:
    """Each different reason once."""
    return [notice(text) for text in dict.fromkeys(str(one) for one in answers if isinstance(one, SourceUnavailable))]
