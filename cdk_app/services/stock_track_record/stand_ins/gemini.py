"""Gemini's generateContent for one YouTube video: https://ai.google.dev/api/generate-content"""

from starlette.applications import Starlette

from cdk_app.services.stand_ins.answers import Answer
from cdk_app.services.stock_track_record.stand_ins import gemini_answers
from cdk_app.services.stock_track_record.stand_ins.gemini_request import (
    has_prompt,
    parse_request,
    video_id_of,
    watched_video_id,
)
from cdk_app.services.stock_track_record.stand_ins.wire import Inbound, is_bad_key, service_route
from cdk_app.services.stock_track_record.stand_ins.world import World

RETIRED_MODELS = frozenset({"gemini-1.5-flash", "gemini-1.5-pro", "gemini-2.0-flash"})


def gemini_app(world: World) -> Starlette:
    """`/models/{model}:generateContent`, to be mounted at `.../v1beta`. Slow on purpose: see World.set_delay."""
    return Starlette(
        routes=[
            service_route(
                world,
                "gemini",
                "/models/{model}:generateContent",
                _generate_content,
                method="POST",
                subject_of=lambda inbound: video_id_of(inbound.body),
            )
        ]
    )


def _generate_content(world: World, inbound: Inbound) -> Answer:
    key = inbound.headers.get("x-goog-api-key", "")
    if not key:
        return gemini_answers.key_missing()
    if is_bad_key(key):
        return gemini_answers.key_invalid()
    model = inbound.path["model"]
    if not model.startswith("gemini-") or model in RETIRED_MODELS:
        return gemini_answers.model_not_found(model)
    request = parse_request(inbound.body)
    if isinstance(request, str):
        return gemini_answers.invalid_argument(request)
    video_id = watched_video_id(request)
    if not video_id or not has_prompt(request):
        return gemini_answers.invalid_argument()
    return _about_video(world, video_id)


def _about_video(world: World, video_id: str) -> Answer:
    video = world.video(video_id)
    if video is not None and video.published_at is None:
        return gemini_answers.permission_denied()
    return world.next_video_answer(video_id) or gemini_answers.invalid_argument()
