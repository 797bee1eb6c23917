"""Queue messages: one JSON object each. What does not parse is refused with a reason, which never shows the message."""

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

MAX_REASON_CHARACTERS = 300


def json_object(body: str) -> dict[str, Any]:
    """The object in a record's body. Raises ValueError with a short reason."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise ValueError("not JSON") from exc
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - one family for everything refused
    return value


def validated[M](adapter: TypeAdapter[M], value: dict[str, Any]) -> M:
    """The message an object stands for. Raises ValueError with a short reason for an unknown version, type or shape."""
    if "v" not in value:
        raise ValueError("no version")
    try:
        return adapter.validate_python(value)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:MAX_REASON_CHARACTERS]) from exc
