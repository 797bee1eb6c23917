"""The log: one row a line, newest first."""

from cdk_app.local.console.log_lines import LogLine
from cdk_app.local.console.log_tail import Entry, Tail
from cdk_app.local.console.markup import Markup, join, tag
from cdk_app.local.console.views.layout import address, cell, figure, head, link, moment, page

HEADINGS = ("Time", "Function", "What", "Outcome", "ms", "Requests", "Read units", "Write units", "Correlation")
SHOWN_ON_OVERVIEW = 25
SHOWN_ON_PAGE = 300


def log_page(tail: Tail, name: str, *, everything: bool, correlation: str | None) -> Markup:
    """The page of the log; `everything` includes the platform's and other lines, `correlation` narrows to one id."""
    choices = tag(
        "p",
        _choice("Requests and messages", everything=False, correlation=correlation, chosen=not everything),
        " · ",
        _choice("Every line", everything=True, correlation=correlation, chosen=everything),
        class_="choices",
    )
    narrowed = None
    if correlation is not None:
        narrowed = tag(
            "p",
            "Only lines of ",
            tag("code", correlation),
            ". ",
            link("Show all", "/log", show=_show(everything=everything)),
        )
    body = log_table(tail, name, everything=everything, correlation=correlation, limit=SHOWN_ON_PAGE)
    return page("Log", tag("section", tag("h1", "Log"), _form(correlation), choices, narrowed, body))


def _form(correlation: str | None) -> Markup:
    """Asks for all lines of one id. Spaces around it, which come with copying, are not part of it."""
    field = tag(
        "input",
        type="search",
        name="correlation",
        value=correlation or "",
        placeholder="request_id of an answer",
        autocomplete="off",
        autocapitalize="off",
        spellcheck="false",
    )
    return tag(
        "form",
        tag("input", type="hidden", name="show", value=_show(everything=True)),
        tag("label", "Correlation id ", field),
        tag("button", "Show", type="submit"),
        method="get",
        action="/log",
        class_="ask",
    )


def log_table(tail: Tail, name: str, *, everything: bool, correlation: str | None, limit: int) -> Markup:
    """The table that the script keeps filling from `data-live-log`, and why it may be stale, if it may."""
    source = address("/live/log", show=_show(everything=everything), correlation=correlation, limit=str(limit))
    return join(
        tag("p", tail.trouble, class_="notice", role="alert", id="log-trouble", hidden=tail.trouble is None),
        tag("button", "Pause", type="button", id="pause", hidden=True, aria_pressed="false"),
        tag(
            "div",
            tag(
                "table", head(HEADINGS), log_rows(tail, name), class_="log", data_live_log=source, data_limit=str(limit)
            ),
            class_="scroll",
        ),
    )


def log_rows(tail: Tail, name: str) -> Markup:
    """The rows, with what the script needs to ask for those that come later."""
    rows = [_row(entry) for entry in tail.entries]
    trouble = tail.trouble or ""
    return tag("tbody", *rows, data_tail=name, data_latest=str(tail.latest), data_trouble=trouble)


def _row(entry: Entry) -> Markup:
    line = entry.line
    correlation = None
    if line.correlation_id:
        correlation = link(line.correlation_id[:8], "/log", show="all", correlation=line.correlation_id)
    return tag(
        "tr",
        cell("Time", moment(line.at), class_="time"),
        cell("Function", entry.source, class_="source"),
        cell("What", _what(line), class_="what"),
        cell("Outcome", _outcome(line), class_="outcome"),
        cell("ms", figure(line.milliseconds), class_="number"),
        cell("requests", figure(line.dynamodb_requests), class_="number"),
        cell("read", figure(line.read_units), class_="number"),
        cell("write", figure(line.write_units), class_="number"),
        cell("id", correlation, class_="correlation"),
        class_=f"{line.kind}{' trouble' if line.is_trouble else ''}",
    )


def _what(line: LogLine) -> Markup:
    parts: list[Markup] = [tag("span", line.text, class_="text")]
    if line.detail:
        parts.append(tag("span", line.detail, class_="detail"))
    if line.stack:
        parts.append(tag("details", tag("summary", "Traceback"), tag("pre", line.stack)))
    return join(*parts)


def _outcome(line: LogLine) -> Markup | None:
    text = line.outcome or ("" if line.level == "INFO" else line.level)
    return tag("span", text, class_="badge good" if line.is_good else "badge") if text else None


def _choice(text: str, *, everything: bool, correlation: str | None, chosen: bool) -> Markup:
    target = address("/log", show=_show(everything=everything), correlation=correlation)
    return tag("a", text, href=target, aria_current="true" if chosen else None)


def _show(*, everything: bool) -> str:
    return "all" if everything else "work"
