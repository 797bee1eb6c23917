"""The body of a generateContent request: https://ai.google.dev/api/generate-content#request-body

As in every Google API, a field may be written `file_data` or `fileData`, and a field that is not known is refused.
"""

import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

WATCH_URL = re.compile(r"https://www\.youtube\.com/watch\?v=([A-Za-z0-9_-]{1,20})")


class _Message(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class FileData(_Message):
    file_uri: str
    mime_type: str | None = None


class Part(_Message):
    """Text or a file, never both."""

    text: str | None = None
    file_data: FileData | None = None

    @model_validator(mode="after")
    def _holds_one_thing(self) -> Self:
        if (self.text is None) == (self.file_data is None):
            raise ValueError("contents.parts must have one initialized field.")
        return self


class Content(_Message):
    role: Literal["user", "model"] = "user"
    parts: tuple[Part, ...] = Field(min_length=1)


class SchemaNode(_Message):
    """The part of OpenAPI's schema object that an answer can be bound to."""

    type: Literal["OBJECT", "ARRAY", "STRING", "NUMBER", "INTEGER", "BOOLEAN"]
    description: str | None = None
    enum: tuple[str, ...] | None = None
    required: tuple[str, ...] | None = None
    properties: dict[str, "SchemaNode"] | None = None
    items: "SchemaNode | None" = None


class GenerationConfig(_Message):
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_output_tokens: int | None = Field(default=None, ge=1, le=65_536)
    response_mime_type: Literal["application/json", "text/plain"] | None = None
    media_resolution: Literal["MEDIA_RESOLUTION_LOW", "MEDIA_RESOLUTION_MEDIUM", "MEDIA_RESOLUTION_HIGH"] | None = None
    response_schema: SchemaNode | None = None

    @model_validator(mode="after")
    def _schema_needs_json(self) -> Self:
        if self.response_schema is not None and self.response_mime_type != "application/json":
            raise ValueError("a response schema needs response mime type application/json")
        return self


class GenerateContentRequest(_Message):
    contents: tuple[Content, ...] = Field(min_length=1)
    system_instruction: Content | None = None
    generation_config: GenerationConfig = GenerationConfig()

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(part for content in self.contents for part in content.parts)


def parse_request(body: str) -> GenerateContentRequest | str:
    """The request, or the sentence with which the service refuses it."""
    try:
        return GenerateContentRequest.model_validate_json(body)
    except ValidationError as error:
        return _refusal(error)


def video_id_of(body: str) -> str:
    """The YouTube video a request is about, "" when it cannot be told."""
    request = parse_request(body)
    return "" if isinstance(request, str) else watched_video_id(request)


def watched_video_id(request: GenerateContentRequest) -> str:
    """The id out of the request's only file, "" when there is not exactly one or it is no YouTube page."""
    uris = [part.file_data.file_uri for part in request.parts if part.file_data is not None]
    match = WATCH_URL.fullmatch(uris[0]) if len(uris) == 1 else None
    return match[1] if match else ""


def has_prompt(request: GenerateContentRequest) -> bool:
    return any(part.text and part.text.strip() for part in request.parts)


def _refusal(error: ValidationError) -> str:
    first = error.errors()[0]
    path = [str(step) for step in first["loc"]]
    if first["type"] == "extra_forbidden":
        place = f" at '{'.'.join(path[:-1])}'" if path[:-1] else ""
        return f'Invalid JSON payload received. Unknown name "{path[-1]}"{place}: Cannot find field.'
    if first["type"] == "json_invalid":
        return f"Invalid JSON payload received. {first['msg']}"
    return f"Invalid value at '{'.'.join(path)}': {first['msg']}"
