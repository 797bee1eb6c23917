"""Changes of AlgoItny's table as its stream tells of them, and the function that counts them.

world = Counted(judge)
world.put(run)                  # a run appears; also `change` and `delete`
world.deliver(world.records)    # one invocation with these records
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from lambda_src.dynamo.schema import Entity
from lambda_src.dynamo.values import Item, to_item
from lambda_src.runtime.stream import RecordConsumer
from lambda_src.services.algoitny import items, wiring
from lambda_src.services.algoitny.models.histories import History
from lambda_src.services.algoitny.settings import StatsSettings
from lambda_src.services.algoitny.statistics.rules import Change
from tests.support.algoitny import PlayedJudge
from tests.support.played import Invocation

STREAM_ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/algoitny_main-local/stream/2025-10-08T00:00:00.000"

type Record = dict[str, Any]


def stream_record(old: Item | None, new: Item | None, *, number: int, event_id: str | None = None) -> Record:
    """A record as Lambda hands it over."""
    images = {name: to_item(item) for name, item in (("OldImage", old), ("NewImage", new)) if item is not None}
    return {
        "eventID": event_id or uuid.uuid4().hex,
        "eventName": "INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
        "eventSource": "aws:dynamodb",
        "eventSourceARN": STREAM_ARN,
        "dynamodb": {
            "ApproximateCreationDateTime": 1759924800,
            "SequenceNumber": f"{number:021}",
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            **images,
        },
    }


def counting(judge: PlayedJudge, **changes: Any) -> RecordConsumer[Change]:
    """The function that counts; changes: other resources than the service's."""
    settings = StatsSettings(
        environment="local",
        algoitny_table_name=judge.names["main"],
        algoitny_stats_dlq_url=judge.settings["algoitny_stats_dlq_url"],
    )
    return wiring.stats(settings, replace(judge.resources, **changes))


def run_of(judge: PlayedJudge, history_id: str, **fields: Any) -> History:
    """A run of now that passed, of nobody unless `user_id` says otherwise."""
    given: dict[str, Any] = {
        "platform": "baekjoon",
        "problem_number": "1000",
        "problem_title": "A+B",
        "language": "python",
        "result_summary": "passed",
        "passed_count": 3,
        "failed_count": 0,
        "total_count": 3,
        "created_at": judge.now_ms,
        "updated_at": judge.now_ms,
    }
    return History(history_id=history_id, **given | fields)


@dataclass
class Counted:
    """A table, and what its stream tells of what is done here. records: all of them, in their order."""

    judge: PlayedJudge
    records: list[Record] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: count(1))

    def put(self, *runs: History, **more: Any) -> None:
        """Runs appear, or become other than they were. more: attributes of their items beside the model's."""
        for run in runs:
            self._write(items.HISTORY, run, more)

    def put_hint(self, hint: Any, **more: Any) -> None:
        self._write(items.HISTORY_HINT, hint, more)

    def delete(self, run: History) -> None:
        """A run disappears."""
        key = items.HISTORY.key_of(run)
        old = self.judge.item(key)
        self.judge.remove(key)
        self._tell(old, None)

    def _write(self, entity: Entity[Any], model: Any, more: Mapping[str, Any]) -> None:
        old = self.judge.item(entity.key_of(model))
        new = {**entity.item(model), **more}
        self.judge.put_items(new)
        self._tell(old, new)

    def _tell(self, old: Item | None, new: Item | None) -> None:
        if old != new:
            self.records.append(stream_record(old, new, number=next(self._numbers)))

    def deliver(
        self, records: Iterable[Record] | None = None, *, consumer: RecordConsumer[Change] | None = None
    ) -> list[str]:
        """One invocation; returns where it is to be resumed."""
        event = {"Records": list(self.records if records is None else records)}
        answer = (consumer or counting(self.judge))(event, Invocation())
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def stored(self, *kinds: str) -> Sequence[Item]:
        """The items of some kinds, by `tp`."""
        return [item for item in self.judge.items() if item["tp"] in kinds]
