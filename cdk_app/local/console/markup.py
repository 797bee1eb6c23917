"""HTML that is safe by construction: whatever is not `Markup` is escaped on its way into an element.

Item text and log lines come from the internet. No view joins strings to HTML; `tag` is the only door.
"""

from html import escape

type Content = Markup | str | int | float | None
type AttributeValue = str | int | bool | None

VOID_ELEMENTS = frozenset({"input", "link", "meta"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(element: str, /, *children: Content, **attributes: AttributeValue) -> Markup:
    """One element with its children; None children vanish, so that a view can leave a part out in place.

    attributes: `class_` and `for_` lose their underscore, inner underscores become hyphens (`data_live`). None and
    False leave an attribute out, True writes it without a value.
    """
    start = f"<{element}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    if element in VOID_ELEMENTS:
        return Markup(start)
    return Markup(f"{start}{join(*children)}</{element}>")


def join(*children: Content) -> Markup:
    """Children side by side, without an element around them."""
    return Markup("".join(_content(child) for child in children))


def _content(child: Content) -> str:
    if child is None:
        return ""
    return child if isinstance(child, Markup) else _escaped(str(child))


def _attribute(key: str, value: AttributeValue) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{_escaped(str(value))}"'


def _escaped(text: str) -> str:
    """Text for HTML; half a surrogate pair, which a log line may hold and no answer can, becomes a question mark."""
    return escape(text.encode("utf-8", "replace").decode("utf-8"))
