"""The frame of every page, and the small parts that several pages use."""

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

from cdk_app.local.console.markup import Content, Markup, join, tag

PAGES = (("Overview", "/"), ("Log", "/log"), ("Tables", "/tables"))
FIGURES = frozenset(
    {"Waiting", "In flight", "Delayed", "Dead letters", "Items", "Size", "Memory", "Timeout"}
    | {"ms", "Requests", "Read units", "Write units"}
)


def page(title: str, *content: Content) -> Markup:
    """A whole document. It works without JavaScript; the script only keeps the live parts moving."""
    document = tag(
        "html",
        tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="color-scheme", content="light dark"),
            tag("title", f"{title} · local console"),
            tag("link", rel="icon", href="/static/icon.svg", type="image/svg+xml"),
            tag("link", rel="stylesheet", href="/static/console.css"),
            tag("script", src="/static/console.js", defer=True),
        ),
        tag(
            "body",
            tag(
                "header",
                tag("a", "Console", href="/", class_="brand"),
                tag("nav", *(tag("a", name, href=path) for name, path in PAGES), aria_label="Pages"),
                tag("p", id="connection", role="status", hidden=True),
            ),
            tag("main", *content),
        ),
        lang="en",
    )
    return join(Markup("<!doctype html>"), document)


def trouble_page(text: str) -> Markup:
    """A page that only says what went wrong."""
    return page("Not found", tag("section", tag("h1", "Not here"), notice(text), tag("p", link("Overview", "/"))))


def section(title: str, *content: Content, **attributes: str) -> Markup:
    """A titled part of a page."""
    return tag("section", tag("h2", title), *content, **attributes)


def notice(text: str) -> Markup:
    """Something that is not as it should be, said where the reader looks for the answer."""
    return tag("p", text, class_="notice", role="alert")


def grid(headings: Sequence[str], rows: Sequence[Markup], *, class_: str) -> Markup:
    """A table that scrolls inside its own box where it does not fit."""
    return tag("div", tag("table", head(headings), tag("tbody", *rows), class_=class_), class_="scroll")


def head(headings: Sequence[str]) -> Markup:
    """The heading row of a table; figures stand on the right, and so do their headings."""
    cells = (tag("th", one, scope="col", class_="number" if one in FIGURES else None) for one in headings)
    return tag("thead", tag("tr", *cells))


def cell(label: str, content: Content, *, class_: str | None = None) -> Markup:
    """A cell that carries its column's heading, for the phone where each row is a card."""
    return tag("td", content, data_label=label, class_=class_)


def link(text: Content, path: str, **parameters: str | None) -> Markup:
    """A link with query parameters; those that are None are left out."""
    return tag("a", text, href=address(path, **parameters))


def address(path: str, **parameters: str | None) -> str:
    """A path with query parameters; those that are None are left out."""
    given = {name: value for name, value in parameters.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def moment(at: datetime) -> Markup:
    """A point in time, in UTC to the millisecond; the date shows when the pointer rests on it."""
    text = at.astimezone(UTC).isoformat(timespec="milliseconds")
    return tag("time", text[11:23], datetime=text, title=text)


def figure(value: float | None) -> str:
    """A number without a needless fraction, "" for none."""
    return "" if value is None else f"{value:,.1f}".removesuffix(".0")


def count(number: int, noun: str) -> str:
    """`1 item`, `1,234 items`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
