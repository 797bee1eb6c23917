"""What the answers of Gemini's API mean: stocks, the wish to ask again, or the error that a refusal stands for."""

import re
from typing import Final

from lambda_src.errors import AppError
from lambda_src.services.stock_track_record.clients.decoded import Json, decode, list_at, text_at
from lambda_src.services.stock_track_record.clients.transport import Answer
from lambda_src.services.stock_track_record.errors import (
    KeyRejected,
    MalformedAnswer,
    ProviderDisabled,
    ProviderThrottled,
    ProviderUnavailable,
    VideoUnreadable,
)
from lambda_src.services.stock_track_record.rules.extraction import ExtractedStock, extracted_stocks
from lambda_src.services.stock_track_record.rules.texts import clean_text

_REFUSING: Final = frozenset({"SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII"})
_DISABLED_REASONS: Final = frozenset({"SERVICE_DISABLED", "CONSUMER_SUSPENDED"})
_FENCE: Final = re.compile(r"```[A-Za-z]*\s*(.*?)\s*```", re.DOTALL)
_DELAY: Final = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)s", re.ASCII)
_MESSAGE_LIMIT: Final = 200


def read_answer(answer: Answer) -> tuple[ExtractedStock, ...] | None:
    """The stocks of an answer, None when it broke off or cannot be parsed, so that asking again may help.

    Raises VideoUnreadable where Gemini does not want to answer, and what any other status than 200 stands for.
    """
    if answer.status != 200:
        raise _refusal(answer)
    body = answer.json()
    if not isinstance(body, dict):
        raise MalformedAnswer
    blocked = text_at(body, "promptFeedback", "blockReason")
    if blocked is not None:
        raise VideoUnreadable(f"Gemini refuses to answer ({clean_text(blocked, 50)})")
    candidates = list_at(body, "candidates")
    if not candidates:
        raise VideoUnreadable("Gemini gave no answer")
    finish = text_at(candidates[0], "finishReason")
    if finish == "MAX_TOKENS":
        return None
    if finish in _REFUSING:
        raise VideoUnreadable(f"Gemini refuses to answer ({finish})")
    parts = list_at(candidates[0], "content", "parts")
    text = "".join(text_at(part, "text") or "" for part in parts).strip()
    if not text:
        raise VideoUnreadable(f"Gemini gave an empty answer ({clean_text(finish or 'no reason given', 50)})")
    return _stocks(text)


def _stocks(text: str) -> tuple[ExtractedStock, ...] | None:
    fenced = _FENCE.fullmatch(text)
    try:
        return extracted_stocks(decode(fenced[1] if fenced else text))
    except ValueError:
        return None


def _refusal(answer: Answer) -> AppError:
    """The error that a status other than 200 stands for: https://ai.google.dev/gemini-api/docs/troubleshooting."""
    body = answer.json_or_none()
    match answer.status:
        case 429:
            return ProviderThrottled("Gemini asks for fewer requests", retry_after_seconds=_retry_delay_seconds(body))
        case 404:
            return ProviderDisabled("Gemini does not know the model")
        case 401:
            return KeyRejected("Gemini does not accept its API key")
        case 400 | 403:
            return _denial(answer.status, body)
        case status:
            return ProviderUnavailable(f"Gemini answered with status {status}")


def _denial(status: int, body: Json) -> AppError:
    """Whether 400 or 403 is about the key, about our project or only about this video."""
    reasons = {text_at(detail, "reason") or "" for detail in list_at(body, "error", "details")}
    message = clean_text(text_at(body, "error", "message") or "", _MESSAGE_LIMIT)
    if "API_KEY_INVALID" in reasons:
        return KeyRejected("Gemini does not accept its API key")
    if status == 403 and _names_the_key(reasons, message):
        return KeyRejected("Gemini refuses its API key")
    if status == 403 and reasons & _DISABLED_REASONS:
        return ProviderDisabled("The Gemini API is disabled or suspended for the project of its API key")
    return VideoUnreadable(f"Gemini cannot open the video: {message or status}", transcript_failed=True)


def _names_the_key(reasons: set[str], message: str) -> bool:
    """API_KEY_SERVICE_BLOCKED and its kin; a key that Google found published is refused in words only."""
    return any(reason.startswith("API_KEY_") for reason in reasons) or "api key" in message.lower()


def _retry_delay_seconds(body: Json) -> float | None:
    for detail in list_at(body, "error", "details"):
        kind = text_at(detail, "@type") or ""
        match = _DELAY.fullmatch(text_at(detail, "retryDelay") or "")
        if kind.endswith("google.rpc.RetryInfo") and match is not None:
            return float(match[1])
    return None
