"""What a change of a run or of its hints means for what is counted.

    a run appears ---------------------- the user's totals, the problem's runs; public: its hour
    a run becomes public, or private --- its hour, one more or less
    a run disappears ------------------- the user's histories, its hour where it was public; what was done stays done
    hints become complete -------------- the user's hints

An hour is that in which a run was made, whenever it is shown. What was moved in was counted where it came from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lambda_src.runtime.messages import Malformed
from lambda_src.runtime.stream import EventName, Image, StreamRecord, model_of
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.models.histories import History
from lambda_src.services.algoitny.models.statistics import PublicHour, hour_of

FILTERS: Final[tuple[Mapping[str, Any], ...]] = (
    {"eventName": ["INSERT", "MODIFY"], "dynamodb": {"NewImage": {"tp": {"S": ["hist", "hint"]}}}},
    {"eventName": ["REMOVE"], "dynamodb": {"OldImage": {"tp": {"S": ["hist"]}}}},
)
"""Which records of the stream are handed over at all; the others cost nothing."""

_MOVED_IN: Final = "migration"  # the mark of an item that nobody but the migration has written


@dataclass(frozen=True, slots=True)
class Change:
    """What an event adds. counts: to attributes of the user's statistics; hour: with what is added to it.

    run: the one that appeared. user_id: None where nobody made it.
    """

    event_id: str
    user_id: int | None
    counts: Mapping[str, int] = field(default_factory=dict)
    run: History | None = None
    hour: PublicHour | None = None


def change_of(record: StreamRecord) -> Change | None:
    """What a record adds, None for nothing. Raises Malformed."""
    image = record.old if record.event_name is EventName.REMOVE else record.new
    if image is None:
        raise Malformed("no image")
    if _MOVED_IN in image:
        return None
    match image.get("tp"):
        case {"S": "hist"}:
            return _of_run(record)
        case {"S": "hint"}:
            return _of_hint(record, image)
    return None


def _of_run(record: StreamRecord) -> Change | None:
    before, after = (None if image is None else model_of(items.HISTORY, image) for image in (record.old, record.new))
    shown = [(run, value) for run, value in ((after, 1), (before, -1)) if run is not None and run.is_code_public]
    hours = [PublicHour(*hour_of(run.created_at), run.public_shard or 0, value) for run, value in shown]
    hour = hours[0] if len(hours) == 1 else None  # it was and is public, or neither
    match record.event_name, before, after:
        case EventName.INSERT, _, History() as run:
            outcome = "passed" if run.is_passed else "failed"
            appeared = ("total_executions", "history_count", outcome, f"ln_{run.language}", f"pl_{run.platform}")
            return Change(record.event_id, run.user_id, dict.fromkeys(appeared, 1), run, hour)
        case EventName.REMOVE, History() as run, _:
            return Change(record.event_id, run.user_id, {"history_count": -1}, hour=hour)
    return None if hour is None else Change(record.event_id, None, hour=hour)


def _of_hint(record: StreamRecord, image: Image) -> Change | None:
    hint = model_of(items.HISTORY_HINT, image)
    was_complete = record.old is not None and model_of(items.HISTORY_HINT, record.old).status == "COMPLETED"
    is_complete = hint.status == "COMPLETED"
    return Change(record.event_id, hint.user_id, {"hints_total": 1}) if is_complete and not was_complete else None
