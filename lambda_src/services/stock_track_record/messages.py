"""Queue messages: one JSON object each, told apart by `type`. What does not parse is refused with a reason."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from lambda_src.runtime.messages import json_object, validated
from lambda_src.runtime.work_queue import WorkQueue

ChannelText = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    v: Literal[1] = 1
    channel_id: ChannelText

    def text(self) -> str:
        """The message as it travels: compact JSON, about 0.2 KB."""
        return self.model_dump_json()


class ChannelMessage(_Message):
    """List the uploads of a channel and queue its videos. Without `run_id`: whatever run is current."""

    type: Literal["channel"] = "channel"
    run_id: str | None = Field(default=None, max_length=64)


class VideoMessage(_Message):
    """Analyse one video in one run."""

    type: Literal["video"] = "video"
    run_id: str = Field(max_length=64)
    video_id: ChannelText


class BackfillMessage(_Message):
    """Price the mentions of a channel that owe one; `force` prices all of them again.

    run_id: the run that ends once this is done.
    """

    type: Literal["backfill"] = "backfill"
    force: bool = False
    part: int = Field(default=1, ge=1)
    from_ticker: str = Field(default="", max_length=10)  # where a forced backfill goes on
    run_id: str | None = Field(default=None, max_length=64)


class PricesMessage(_Message):
    """Refresh the current prices of up to 25 tickers."""

    type: Literal["prices"] = "prices"
    tickers: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=10)], ...], Field(max_length=25)]


class PurgeMessage(_Message):
    """Remove the items of a deleted channel. Pass 2 removes what stragglers wrote during pass 1."""

    type: Literal["purge"] = "purge"
    pass_number: Literal[1, 2] = Field(default=1, alias="pass")

    model_config = ConfigDict(frozen=True, extra="ignore", validate_by_name=True, serialize_by_alias=True)


class UpgradeMessage(_Message):
    """Bring a channel written by the legacy application to today's layout."""

    type: Literal["upgrade"] = "upgrade"


RunMessage = ChannelMessage | VideoMessage | PurgeMessage | UpgradeMessage
PriceMessage = BackfillMessage | PricesMessage
Message = RunMessage | PriceMessage


@dataclass(frozen=True, slots=True)
class Queues:
    """The two queues of the service: price work never waits behind hundreds of videos."""

    runs: WorkQueue[RunMessage]
    prices: WorkQueue[PriceMessage]


_ADAPTER: Final[TypeAdapter[Message]] = TypeAdapter(Annotated[Message, Field(discriminator="type")])
_LEGACY_KEYS: Final = {"channel_id"}  # the legacy application sent {"channel_id": "..."} and meant its current run


def parse_message(body: str) -> Message:
    """The message in a queue record's body. Raises Malformed for anything of an unknown version, type or shape."""
    value = json_object(body)
    if value.keys() == _LEGACY_KEYS:
        value = {"v": 1, "type": "channel", **value}
    return validated(_ADAPTER, value)
