import json
from typing import Any

import pytest

from cdk_app.services.stock_track_record.stand_ins.gemini_request import parse_request, video_id_of

SNAKE = {
    "contents": [
        {
            "role": "user",
            "parts": [
                {"file_data": {"file_uri": "https://www.youtube.com/watch?v=dQw4w9WgXcQ", "mime_type": "video/mp4"}},
                {"text": "Which stocks?"},
            ],
        }
    ],
    "generation_config": {"response_mime_type": "application/json", "response_schema": {"type": "OBJECT"}},
}
CAMEL = {
    "contents": [
        {
            "parts": [
                {"fileData": {"fileUri": "https://www.youtube.com/watch?v=dQw4w9WgXcQ", "mimeType": "video/mp4"}},
                {"text": "Which stocks?"},
            ],
        }
    ],
    "generationConfig": {"responseMimeType": "application/json", "mediaResolution": "MEDIA_RESOLUTION_LOW"},
}


def changed(**config: Any) -> str:
    return json.dumps(CAMEL | {"generationConfig": config})


@pytest.mark.parametrize("body", [SNAKE, CAMEL])
def test_both_spellings_of_a_field_are_read(body):
    assert video_id_of(json.dumps(body)) == "dQw4w9WgXcQ"


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ("not json", "Invalid JSON payload received."),
        ("{}", "Invalid value at 'contents'"),
        ('{"contents":[]}', "Invalid value at 'contents'"),
        ('{"contents":[{"parts":[{}]}]}', "must have one initialized field"),
        (json.dumps(CAMEL | {"modell": "x"}), 'Unknown name "modell": Cannot find field.'),
        (changed(temprature=1), "Unknown name \"temprature\" at 'generationConfig': Cannot find field."),
        (changed(temperature=3), "Invalid value at 'generationConfig.temperature'"),
        (changed(mediaResolution="LOW"), "Invalid value at 'generationConfig.mediaResolution'"),
        (changed(responseSchema={"type": "OBJECT"}), "needs response mime type application/json"),
        (
            changed(responseMimeType="application/json", responseSchema={"type": "object"}),
            "Invalid value at 'generationConfig.responseSchema.type'",
        ),
    ],
)
def test_a_body_the_service_would_refuse_is_refused_with_a_reason(body, refusal):
    reason = parse_request(body)
    assert isinstance(reason, str)
    assert refusal in reason


@pytest.mark.parametrize(
    "uri",
    [
        "https://www.youtube.com/watch?v=",
        "https://youtu.be/dQw4w9WgXcQ",
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=3",
        "https://evil.example/?u=https://www.youtube.com/watch?v=dQw4w9WgXcQ",
    ],
)
def test_a_file_that_is_no_watch_page_is_about_no_video(uri):
    body = {"contents": [{"parts": [{"fileData": {"fileUri": uri}}, {"text": "Which stocks?"}]}]}
    assert video_id_of(json.dumps(body)) == ""
