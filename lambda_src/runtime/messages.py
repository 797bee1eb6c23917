"""Queue messages: one JSON object each. What does not parse is refused with a reason, which never shows the message."""

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from lambda_src.errors import InvalidInput

MAX_REASON_CHARACTERS = 300


class Malformed(InvalidInput, ValueError):
    """A body that no worker will ever understand; the detail is the reason, and never shows the body."""


def json_object(body: str) -> dict[str, Any]:
    """The object in a record's body. Raises Malformed with a short reason."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise Malformed("not JSON") from exc
    if not isinstance(value, dict):
        raise Malformed("not a JSON object")
    return value


def validated[M](adapter: TypeAdapter[M], value: dict[str, Any]) -> M:
    """The message an object stands for. Raises Malformed with a short reason for an unknown version, type or shape."""
    if "v" not in value:
        raise Malformed("no version")
    try:
        return adapter.validate_python(value)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        raise Malformed(f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:MAX_REASON_CHARACTERS]) from exc
