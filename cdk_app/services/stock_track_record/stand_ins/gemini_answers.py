"""What Gemini's generateContent can say: https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse"""

import json
from collections.abc import Mapping, Sequence

from cdk_app.services.stand_ins.answers import Answer, Json, google_error, google_error_info, json_answer
from cdk_app.services.stock_track_record.stand_ins.models import Pick

USAGE: Mapping[str, Json] = {"promptTokenCount": 92_514, "candidatesTokenCount": 212, "totalTokenCount": 92_726}


def entry(pick: Pick) -> Mapping[str, Json]:
    """A pick as the response schema spells it; fields that are empty are left out, as the model does."""
    fields: dict[str, Json] = {"ticker": pick.ticker, "sentiment": pick.sentiment}
    if pick.context:
        fields["context"] = pick.context
    if pick.confidence is not None:
        fields["confidence"] = pick.confidence
    return fields


def stocks(*picks: Pick) -> Answer:
    """A well-formed answer; without picks it says that the video speaks of no stocks."""
    return text(json.dumps({"stocks": [entry(pick) for pick in picks]}, ensure_ascii=False))


def text(*parts: str, finish_reason: str = "STOP") -> Answer:
    """One candidate whose text arrives in these parts. finish_reason MAX_TOKENS marks a text that was cut."""
    content: Json = {"parts": [{"text": part} for part in parts], "role": "model"}
    return _candidates([{"content": content, "finishReason": finish_reason, "index": 0}])


def thinking(thought: str, answer: str) -> Answer:
    """One candidate that thinks aloud before it answers, as models do that are asked to include their thoughts."""
    content: Json = {"parts": [{"text": thought, "thought": True}, {"text": answer}], "role": "model"}
    return _candidates([{"content": content, "finishReason": "STOP", "index": 0}])


def stopped(finish_reason: str) -> Answer:
    """A candidate without content, stopped for SAFETY, RECITATION or PROHIBITED_CONTENT."""
    return _candidates([{"finishReason": finish_reason, "index": 0}])


def empty() -> Answer:
    """Neither candidates nor a reason."""
    return _candidates([])


def blocked(reason: str = "SAFETY") -> Answer:
    """The request itself was blocked before anything was generated."""
    return json_answer({"promptFeedback": {"blockReason": reason}, "usageMetadata": USAGE})


def rate_limited(retry_delay: str | None = "37s") -> Answer:
    """429; retry_delay is a google.protobuf.Duration in JSON, such as `37s` or `1.5s`; None leaves RetryInfo out."""
    details: list[Json] = []
    if retry_delay is not None:
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": retry_delay})
    message = "You exceeded your current quota, please check your plan and billing details."
    return google_error(429, message, status="RESOURCE_EXHAUSTED", details=details)


def daily_quota(quota_id: str = "GenerateRequestsPerDayPerProjectPerModel-FreeTier") -> Answer:
    """429 for the rest of the day; it asks for a pause of seconds all the same."""
    violation = {"quotaMetric": "generativelanguage.googleapis.com/generate_content_requests", "quotaId": quota_id}
    details: list[Json] = [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"},
    ]
    message = "You exceeded your current quota, please check your plan and billing details."
    return google_error(429, message, status="RESOURCE_EXHAUSTED", details=details)


def location_unsupported() -> Answer:
    return google_error(400, "User location is not supported for the API use.", status="FAILED_PRECONDITION")


def billing_disabled() -> Answer:
    info = google_error_info("BILLING_DISABLED", "generativelanguage.googleapis.com")
    message = "This API method requires billing to be enabled. Please enable billing on project #1 then retry."
    return google_error(403, message, status="PERMISSION_DENIED", details=[info])


def key_invalid() -> Answer:
    info = google_error_info("API_KEY_INVALID", "generativelanguage.googleapis.com")
    message = "API key not valid. Please pass a valid API key."
    return google_error(400, message, status="INVALID_ARGUMENT", details=[info])


def key_missing() -> Answer:
    message = (
        "Method doesn't allow unregistered callers (callers without established identity). "
        "Please use API Key or other form of API consumer identity to call this API."
    )
    return google_error(403, message, status="PERMISSION_DENIED")


def invalid_argument(message: str = "Request contains an invalid argument.") -> Answer:
    """400 about the request or about its video, for example one that is restricted by age."""
    return google_error(400, message, status="INVALID_ARGUMENT")


def permission_denied() -> Answer:
    """403 about the video: it is private or was removed."""
    return google_error(403, "The caller does not have permission", status="PERMISSION_DENIED")


def model_not_found(model: str) -> Answer:
    message = f"models/{model} is not found for API version v1beta, or is not supported for generateContent."
    return google_error(404, message, status="NOT_FOUND")


def overloaded() -> Answer:
    return google_error(503, "The model is overloaded. Please try again later.", status="UNAVAILABLE")


def _candidates(candidates: Sequence[Json]) -> Answer:
    body: dict[str, Json] = {"usageMetadata": USAGE, "modelVersion": "gemini-flash-latest", "responseId": "sample"}
    if candidates:
        body["candidates"] = candidates
    return json_answer(body)
