"""A dead-letter queue: the messages that were set aside, and why."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from cdk_app.local.console.markup import Markup, tag
from cdk_app.local.console.sources import PeekedMessage, SourceUnavailable
from cdk_app.local.console.views.layout import count, link, moment, notice, page


def dead_letters_page(name: str, messages: Sequence[PeekedMessage] | SourceUnavailable) -> Markup:
    """The page of one dead-letter queue; looking at it leaves the messages where they are."""
    if isinstance(messages, SourceUnavailable):
        return page(name, tag("section", tag("h1", name), notice(str(messages))))
    said = f"{count(len(messages), 'message')} seen, left in place." if messages else "Nothing was set aside."
    return page(
        name,
        tag(
            "section",
            tag("h1", name),
            tag("p", said, " A look shows at most ten.", class_="remark"),
            *(_message(message) for message in messages),
        ),
    )


def _message(message: PeekedMessage) -> Markup:
    correlation = message.correlation_id
    work = link("what happened to it", "/log", show="all", correlation=correlation) if correlation else None
    sent_at = datetime.fromtimestamp(message.sent_at_ms / 1000, UTC)
    return tag(
        "article",
        tag("p", sent_at.strftime("%Y-%m-%d "), moment(sent_at), " ", tag("code", message.message_id)),
        tag("p", tag("strong", message.reason or "No reason given"), " ", work),
        tag("pre", _readable(message.body)),
        class_="item",
    )


def _readable(body: str) -> str:
    """JSON over several lines; anything else as it is."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body
