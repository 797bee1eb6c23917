"""Gemini, asked for JSON. https://ai.google.dev/gemini-api/docs"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import quote

from lambda_src.errors import AppError
from lambda_src.runtime.outside import Call
from lambda_src.runtime.providers.decoded import Json, at, clean_text, embedded, list_at, text_at
from lambda_src.runtime.providers.errors import (
    AnswerRefused,
    KeyRejected,
    MalformedAnswer,
    ProviderDisabled,
    ProviderThrottled,
    ProviderUnavailable,
    QuotaExhausted,
    RequestRefused,
)
from lambda_src.runtime.providers.provider import Access, Answer, KeyedProvider

logger = logging.getLogger(__name__)

_MAX_CALLS: Final = 3  # one, and two more for answers that cannot be parsed
_MIN_SECONDS_TO_ASK_AGAIN: Final = 60.0
_SECONDS_KEPT: Final = 30.0  # of the budget, to write down the outcome
_MIN_TIMEOUT_SECONDS: Final = 1.0

_REFUSING: Final = frozenset({"SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII"})
_OF_A_DAY: Final = re.compile(r"per[ _-]?day|\bdaily\b", re.IGNORECASE)
_UNPAID: Final = re.compile(r"credits are depleted|spending (?:cap|limit)", re.IGNORECASE)
_LONGEST_PAUSE_SECONDS: Final = 3600.0  # of a quota per minute or hour; what asks for more is a quota of a day
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
            for value in _values(text or ""):
                try:
                    return read(value)
                except ValueError:
                    continue  # asked again below if nothing else can be read, as for an answer that broke off
            logger.warning("answer not usable", extra={"provider": self.name, "calls": calls})
            if remaining_seconds() < _MIN_SECONDS_TO_ASK_AGAIN:
                break
        raise AnswerRefused("Gemini's answer cannot be read")

    def _timeout(self, remaining: float) -> float:
        usable = max(remaining - _SECONDS_KEPT, remaining / 2)
        return max(_MIN_TIMEOUT_SECONDS, min(self._timeout_seconds, usable))


def _written(answer: Answer) -> str | None:
    """The text of an answer without its thoughts, None when it broke off, so that asking again may help."""
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
    parts = [part for part in list_at(candidates[0], "content", "parts") if at(part, "thought") is not True]
    text = "".join(text_at(part, "text") or "" for part in parts).strip()
    if not text:
        raise AnswerRefused(f"Gemini gave an empty answer ({clean_text(finish or 'no reason given', 50)})")
    return text


def _values(text: str) -> Iterator[Json]:
    """What the answer may be, likeliest first: a later value corrects an earlier one, lists may be mere footnotes."""
    values = [*embedded(text)][::-1]
    yield from (value for value in values if isinstance(value, dict))
    lists = (value for value in values if isinstance(value, list))
    yield from (value for value in lists if not value or any(isinstance(entry, dict) for entry in value))


def _refusal(answer: Answer) -> AppError:
    """The error that a status other than 200 stands for: https://ai.google.dev/gemini-api/docs/troubleshooting."""
    body = answer.json_or_none()
    match answer.status:
        case 429:
            return _throttle(body)
        case 404:
            return ProviderDisabled("Gemini does not know the model")
        case 401:
            return KeyRejected("Gemini does not accept its API key")
        case 400 | 403:
            return _denial(answer.status, body)
        case status:
            return ProviderUnavailable(f"Gemini answered with status {status}")


def _throttle(body: Json) -> AppError:
    """Whether a pause helps. RetryInfo does not tell: seconds are asked for when the quota of a day is used up, too."""
    details = list_at(body, "error", "details")
    message = text_at(body, "error", "message") or ""
    quotas = [quota for detail in details for quota in list_at(detail, "violations")]
    named = [text_at(quota, name) or "" for quota in quotas for name in ("quotaId", "quotaMetric", "description")]
    named += [text_at(detail, "metadata", "quota_limit") or "" for detail in details]
    seconds = _retry_delay_seconds(details)
    if _UNPAID.search(message):
        return ProviderDisabled("The Gemini API wants to be paid: credits or spending limit of its project are used up")
    if any(map(_OF_A_DAY.search, [message, *named])) or (seconds or 0) > _LONGEST_PAUSE_SECONDS:
        return QuotaExhausted("The daily quota of the Gemini API is used up; it is reset at midnight Pacific time")
    return ProviderThrottled("Gemini asks for fewer requests", retry_after_seconds=seconds)


def _denial(status: int, body: Json) -> AppError:
    """Whether 400 or 403 is about the key, about our project or only about this request.

    Reasons of this domain are about who asks, every one: see google/api/error_reason.proto in
    https://github.com/googleapis/googleapis. A message may quote the key; it is shown if it is about the request.
    """
    infos = [each for each in list_at(body, "error", "details") if text_at(each, "domain") == "googleapis.com"]
    reasons = {reason for info in infos if (reason := text_at(info, "reason"))}
    message = clean_text(text_at(body, "error", "message") or "", _MESSAGE_LIMIT)
    words = message.lower()
    if any(reason.startswith("API_KEY_") for reason in reasons) or "api key" in words:
        return KeyRejected("Gemini does not accept its API key")
    if "BILLING_DISABLED" in reasons or "billing" in words:
        return ProviderDisabled("The Gemini API wants billing to be enabled for the project of its API key")
    if "user location" in words:
        return ProviderDisabled("The Gemini API is not offered at the location that this service runs at")
    if reasons:
        return ProviderDisabled(f"The Gemini API refuses the project of its key ({', '.join(sorted(reasons))[:100]})")
    if text_at(body, "error", "status") == "FAILED_PRECONDITION" and "file" not in words:
        return ProviderDisabled("The Gemini API cannot be used with its API key as things are (FAILED_PRECONDITION)")
    return RequestRefused(message or str(status))


def _retry_delay_seconds(details: list[Json]) -> float | None:
    for detail in details:
        kind = text_at(detail, "@type") or ""
        match = _DELAY.fullmatch(text_at(detail, "retryDelay") or "")
        if kind.endswith("google.rpc.RetryInfo") and match is not None:
            return float(match[1])
    return None
