"""Gemini: which stocks a video talks about. https://ai.google.dev/gemini-api/docs/video-understanding#youtube"""

import logging
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from lambda_src.runtime.outside import Call
from lambda_src.services.stock_track_record.clients.gemini_answers import read_answer
from lambda_src.services.stock_track_record.clients.gemini_prompt import PROMPT, RESPONSE_SCHEMA
from lambda_src.services.stock_track_record.clients.transport import ApiKeys, Http, KeyedProvider
from lambda_src.services.stock_track_record.errors import VideoUnreadable
from lambda_src.services.stock_track_record.rules.extraction import ExtractedStock

logger = logging.getLogger(__name__)

_MAX_CALLS: Final = 3  # one, and two more for answers that cannot be parsed
_MIN_SECONDS_TO_ASK_AGAIN: Final = 60.0
_SECONDS_KEPT: Final = 30.0  # of the budget, to write down the outcome
_MIN_TIMEOUT_SECONDS: Final = 1.0
_LOW_RESOLUTION_ABOVE_SECONDS: Final = 50 * 60  # at full resolution an hour of video fills a context of 1M tokens
_MAX_DURATION_SECONDS: Final = 3 * 3600  # and three hours fill it at low resolution


class GeminiClient(KeyedProvider):
    """Asks Gemini about videos.

    timeout_seconds: longest wait for one answer; watching a video takes it minutes.
    """

    name = "Gemini"
    key_name = "gemini_api_key"
    key_header = "x-goog-api-key"
    is_repeated = False  # however short its timeout gets: every call is paid for

    def __init__(self, http: Http, *, base_url: str, keys: ApiKeys, model: str, timeout_seconds: float = 240.0) -> None:
        super().__init__(http, base_url=base_url, keys=keys)
        self._path = f"/models/{quote(model, safe='')}:generateContent"
        self._timeout_seconds = timeout_seconds

    def stocks_in_video(
        self, youtube_video_id: str, duration_seconds: int | None, remaining_seconds: Callable[[], float]
    ) -> tuple[ExtractedStock, ...]:
        """The stocks that are discussed in a public YouTube video, in Gemini's order and spelling; none is an answer.

        remaining_seconds: what is left of the caller's budget. Raises VideoUnreadable for what concerns this video
        alone, ProviderThrottled with the pause to keep, ProviderDisabled for key, service or model, and
        ProviderUnavailable to be tried again. 1-3 requests; each is paid for.
        """
        if duration_seconds is not None and duration_seconds > _MAX_DURATION_SECONDS:
            raise VideoUnreadable("The video is longer than 3 hours")
        body = _request_body(youtube_video_id, duration_seconds)
        for calls in range(1, _MAX_CALLS + 1):
            stocks = self._ask(
                Call("generateContent", self._path, self._timeout(remaining_seconds()), body=body), read_answer
            )
            if stocks is not None:
                return stocks
            logger.warning("answer not usable", extra={"provider": self.name, "calls": calls})
            if remaining_seconds() < _MIN_SECONDS_TO_ASK_AGAIN:
                break
        raise VideoUnreadable("Gemini's answer cannot be read")

    def _timeout(self, remaining: float) -> float:
        usable = max(remaining - _SECONDS_KEPT, remaining / 2)
        return max(_MIN_TIMEOUT_SECONDS, min(self._timeout_seconds, usable))


def _request_body(youtube_video_id: str, duration_seconds: int | None) -> dict[str, object]:
    generation: dict[str, object] = {
        "temperature": 0.1,
        "maxOutputTokens": 8192,
        "responseMimeType": "application/json",
        "responseSchema": RESPONSE_SCHEMA,
    }
    if duration_seconds is not None and duration_seconds > _LOW_RESOLUTION_ABOVE_SECONDS:
        generation["mediaResolution"] = "MEDIA_RESOLUTION_LOW"
    video = {"file_uri": f"https://www.youtube.com/watch?v={youtube_video_id}", "mime_type": "video/mp4"}
    return {
        "contents": [{"role": "user", "parts": [{"file_data": video}, {"text": PROMPT}]}],
        "generationConfig": generation,
    }
