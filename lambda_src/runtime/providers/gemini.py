"""Gemini, asked for JSON. https://ai.google.dev/gemini-api/docs"""

import logging
import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

from lambda_src.errors import AppError
from lambda_src.runtime.outside import Call
from lambda_src.runtime.providers.decoded import Json, clean_text, decode, list_at, text_at
from lambda_src.runtime.providers.errors import (
    AnswerRefused,
    KeyRejected,
    MalformedAnswer,
    ProviderDisabled,
    ProviderThrottled,
    ProviderUnavailable,
    RequestRefused,
)
from lambda_src.runtime.providers.provider import Access, Answer, KeyedProvider

logger = logging.getLogger(__name__)

_MAX_CALLS: Final = 3  # one, and two more for answers that cannot be parsed
_MIN_SECONDS_TO_ASK_AGAIN: Final = 60.0
_SECONDS_KEPT: Final = 30.0  # of the budget, to write down the outcome
_MIN_TIMEOUT_SECONDS: Final = 1.0

_REFUSING: Final = frozenset({"SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII"})
_DISABLED_REASONS: Final = frozenset({"SERVICE_DISABLED", "CONSUMER_SUSPENDED"})
_FENCE: Final = re.compile(r"```[A-Za-z]*\s*(.*?)\s*```", re.DOTALL)
_DELAY: Final = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)s", re.ASCII)
_MESSAGE_LIMIT: Final = 200


class GeminiClient(KeyedProvider):
    """Asks one model. timeout_seconds: longest wait for one answer; watching a video takes it minutes."""

    name = "Gemini"
    key_name = "gemini_api_key"
    key_header = "x-goog-api-key"
    is_repeated = False  # however short its timeout gets: every call is paid for

    def __init__(self, access: Access, *, base_url: str, model: str, timeout_seconds: float = 240.0) -> None:
        super().__init__(access, base_url=base_url)
        self._path = f"/models/{quote(model, safe='')}:generateContent"
        self._timeout_seconds = timeout_seconds

    def generate[T](
        self, body: Mapping[str, object], read: Callable[[Json], T], *, remaining_seconds: Callable[[], float]
    ) -> T:
        """What `read` makes of the JSON that the model writes; it is asked again while that breaks off or is unusable.

        body: of generateContent. read: raises ValueError for JSON of another form. remaining_seconds: what is left of
        the caller's budget. Raises RequestRefused and AnswerRefused for what concerns this request alone,
        ProviderThrottled with the pause to keep, ProviderDisabled for key, service or model, and ProviderUnavailable
        to be tried again. 1-3 requests; each is paid for.
        """
        for calls in range(1, _MAX_CALLS + 1):
            call = Call("generateContent", self._path, self._timeout(remaining_seconds()), body=body)
            text = self._ask(call, _written)
            if text is not None:
                try:
                    return read(decode(text))
                except ValueError:
                    pass  # asked again below, as for an answer that broke off
            logger.warning("answer not usable", extra={"provider": self.name, "calls": calls})
            if remaining_seconds() < _MIN_SECONDS_TO_ASK_AGAIN:
                break
        raise AnswerRefused("Gemini's answer cannot be read")

    def _timeout(self, remaining: float) -> float:
        usable = max(remaining - _SECONDS_KEPT, remaining / 2)
        return max(_MIN_TIMEOUT_SECONDS, min(self._timeout_seconds, usable))


def _written(answer: Answer) -> str | None:
    """The text of an answer without the fence around it, None when it broke off, so that asking again may help."""
    if answer.status != 200:
        raise _refusal(answer)
    body = answer.json()
    if not isinstance(body, dict):
        raise MalformedAnswer
    blocked = text_at(body, "promptFeedback", "blockReason")
    if blocked is not None:
        raise AnswerRefused(f"Gemini refuses to answer ({clean_text(blocked, 50)})")
    candidates = list_at(body, "candidates")
    if not candidates:
        raise AnswerRefused("Gemini gave no answer")
    finish = text_at(candidates[0], "finishReason")
    if finish == "MAX_TOKENS":
        return None
    if finish in _REFUSING:
        raise AnswerRefused(f"Gemini refuses to answer ({finish})")
    parts = list_at(candidates[0], "content", "parts")
    text = "".join(text_at(part, "text") or "" for part in parts).strip()
    if not text:
        raise AnswerRefused(f"Gemini gave an empty answer ({clean_text(finish or 'no reason given', 50)})")
    fenced = _FENCE.fullmatch(text)
    return fenced[1] if fenced else text


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
    """Whether 400 or 403 is about the key, about our project or only about this request."""
    reasons = {text_at(detail, "reason") or "" for detail in list_at(body, "error", "details")}
    message = clean_text(text_at(body, "error", "message") or "", _MESSAGE_LIMIT)
    if "API_KEY_INVALID" in reasons:
        return KeyRejected("Gemini does not accept its API key")
    if status == 403 and _names_the_key(reasons, message):
        return KeyRejected("Gemini refuses its API key")
    if status == 403 and reasons & _DISABLED_REASONS:
        return ProviderDisabled("The Gemini API is disabled or suspended for the project of its API key")
    return RequestRefused(message or str(status))


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
