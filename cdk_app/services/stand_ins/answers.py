"""What a stand-in sends back, and the error envelope that Google's two services share."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

type Json = Mapping[str, "Json"] | Sequence["Json"] | str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer, sent after `delay_seconds`. `body` goes out as it is: it may be anything but JSON."""

    status: int = 200
    body: str = ""
    content_type: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    delay_seconds: float = 0.0


def json_answer(body: Json, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status=status, body=json.dumps(body, ensure_ascii=False), headers=headers or {})


def text_answer(body: str, *, status: int = 200) -> Answer:
    return Answer(status=status, body=body, content_type="text/plain; charset=utf-8")


def google_error(
    code: int,
    message: str,
    *,
    status: str | None = None,
    errors: Sequence[Mapping[str, str]] = (),
    details: Sequence[Json] = (),
) -> Answer:
    """An error as Google's APIs write it: https://cloud.google.com/apis/design/errors#http_mapping

    status: the gRPC name, such as RESOURCE_EXHAUSTED. errors: the older list with `reason` and `domain`, which
    YouTube still sends. details: typed messages such as google.rpc.RetryInfo.
    """
    error: dict[str, Json] = {"code": code, "message": message}
    if errors:
        error["errors"] = [{"message": message, **entry} for entry in errors]
    if status is not None:
        error["status"] = status
    if details:
        error["details"] = details
    return json_answer({"error": error}, status=code)


def google_error_info(reason: str, service: str) -> Json:
    """The typed detail that names the reason of a refusal, e.g. API_KEY_INVALID."""
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": service},
    }
