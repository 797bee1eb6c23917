"""Asking Gemini about a video, as a worker with time left does."""

from typing import Final

from lambda_src.services.stock_track_record.videos.clients import VideoAnalyst
from lambda_src.services.stock_track_record.videos.rules import ExtractedStock

VIDEO: Final = "dQw4w9WgXcQ"


def ask(gemini: VideoAnalyst, duration: int | None = 843, remaining: float = 330.0) -> tuple[ExtractedStock, ...]:
    return gemini.stocks_in_video(VIDEO, duration, lambda: remaining)
