"""A table and its items; every key is a link to its partition."""

from collections.abc import Mapping, Sequence

from cdk_app.local.console.markup import Markup, join, tag
from cdk_app.local.console.table_reader import Item, ItemPage, KeySchema, Question, TableFacts, value_text
from cdk_app.local.console.views.layout import address, count, figure, link, notice, page

PREVIEW_CHARACTERS = 160


def table_page(table: TableFacts, question: Question, answer: ItemPage | str) -> Markup:
    """The page of a table: a form to ask with, and the items. answer: why there are none, when it is text."""
    return page(
        table.name,
        tag(
            "section",
            tag("h1", table.name),
            tag("p", f"About {count(table.item_count, 'item')} in all.", class_="remark"),
            _form(table, question),
            notice(answer) if isinstance(answer, str) else _items(table, question, answer),
        ),
    )


def unreadable_table_page(name: str, reason: str) -> Markup:
    """The page of a table that cannot be read now."""
    return page(name, tag("section", tag("h1", name), notice(reason)))


def _form(table: TableFacts, question: Question) -> Markup:
    options = (
        tag("option", _key_names(schema), value=schema.index or "", selected=schema.index == question.index)
        for schema in table.schemas
    )
    return tag(
        "form",
        tag("label", "Key ", tag("select", *options, name="index")),
        tag("label", "Partition ", _text_input("partition", question.partition)),
        tag("label", "Sort key begins with ", _text_input("sort", question.sort_prefix)),
        tag("button", "Show", type="submit"),
        method="get",
        action=f"/tables/{table.name}",
        class_="ask",
    )


def _text_input(name: str, value: str | None) -> Markup:
    return tag(
        "input", type="text", name=name, value=value or "", autocomplete="off", autocapitalize="off", spellcheck="false"
    )


def _key_names(schema: KeySchema) -> str:
    sort = f", {schema.sort.name}" if schema.sort else ""
    return f"{schema.index or 'table'}: {schema.partition.name}{sort}"


def _items(table: TableFacts, question: Question, answer: ItemPage) -> Markup:
    where = "in this partition" if question.partition is not None else "in no particular order"
    shown = f"{count(len(answer.items), 'item')} {where}. Read units: {figure(answer.read_units)}."
    following = None
    if answer.next_start is not None:
        target = address(
            f"/tables/{table.name}",
            index=question.index,
            partition=question.partition,
            sort=question.sort_prefix,
            start=answer.next_start,
        )
        following = tag("p", tag("a", "Next page", href=target, rel="next"))
    return join(tag("p", shown, class_="remark"), *(_item(table, item, question) for item in answer.items), following)


def _item(table: TableFacts, item: Item, question: Question) -> Markup:
    keys = _key_links(table, item)
    own = [schema for schema in table.schemas if schema.index is None]
    names = [key.name for schema in own for key in (schema.partition, schema.sort) if key is not None]
    rest = [name for name in sorted(item) if name not in names]
    preview = "  ".join(f"{name}={value_text(item[name])}" for name in rest if name not in keys)
    rows = (join(tag("dt", name), tag("dd", keys.get(name) or value_text(item[name]))) for name in (*names, *rest))
    in_own_partition = question.partition is not None and question.index is None and len(names) > 1
    title = " / ".join(value_text(item[name]) for name in (names[1:] if in_own_partition else names))
    return tag(
        "details",
        tag("summary", tag("b", title), " ", tag("span", _cut(preview), class_="preview")),
        tag("dl", *rows),
        class_="item",
    )


def _key_links(table: TableFacts, item: Item) -> Mapping[str, Markup]:
    """Links to the partitions that this item lies in, by key attribute; sort keys of the table lead to the item."""
    links: dict[str, Markup] = {}
    for schema in table.schemas:
        if not _is_in(schema, item):
            continue
        partition = value_text(item[schema.partition.name])
        path = f"/tables/{table.name}"
        links.setdefault(schema.partition.name, link(partition, path, index=schema.index, partition=partition))
        if schema.sort is not None:
            sort = value_text(item[schema.sort.name])
            links.setdefault(schema.sort.name, link(sort, path, index=schema.index, partition=partition, sort=sort))
    return links


def _is_in(schema: KeySchema, item: Item) -> bool:
    """Whether an item has all key attributes of a table or index, and is therefore in it."""
    keys: Sequence[str] = [key.name for key in (schema.partition, schema.sort) if key is not None]
    return all(name in item for name in keys)


def _cut(text: str) -> str:
    return text if len(text) <= PREVIEW_CHARACTERS else f"{text[: PREVIEW_CHARACTERS - 1]}…"
