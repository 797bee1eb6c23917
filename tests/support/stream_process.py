"""A process that feeds a stream to a function, and is killed when its plan says so.

    python -m tests.support.stream_process '{"endpoint": ..., "table": ..., "folder": ..., ...}'

The function writes down what it is given, a line per batch. Ends when told by a file `stop` in its folder.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from cdk_app.local.streams.batches import Answer, Calls
from tests.support.streams import Engine, journal_in, running, stream_mapping, stream_table


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """folder: of the journal and of what the function was given. kill_after: so many batches, before that is noted."""

    endpoint: str
    table: str
    folder: str
    batch_size: int
    kill_after: int | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(**json.loads(text))


def given(folder: Path) -> list[list[str]]:
    """What the function was given so far, by all processes; a line that was cut short was not handled."""
    path = folder / "batches"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def main(plan: StreamPlan) -> None:
    folder = Path(plan.folder)
    left = plan.kill_after

    def invoke(_function_arn: str, event: Mapping[str, Any]) -> Answer:
        nonlocal left
        names = [record["dynamodb"]["Keys"]["name"]["S"] for record in event["Records"]]
        with (folder / "batches").open("a", encoding="utf-8") as batches:
            batches.write(json.dumps(names) + "\n")
        if left is not None:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return Answer()

    def send(queue_arn: str, _text: str) -> None:
        raise AssertionError(f"nothing is given up here, and {queue_arn} not told")

    engine = Engine(plan.endpoint)
    table = stream_table(name=plan.table)
    mapping = stream_mapping(plan.table, batch_size=plan.batch_size)
    with journal_in(folder) as journal, running(engine.bridge(journal, table, Calls(invoke, send), mapping)):
        while not (folder / "stop").exists():
            time.sleep(0.02)
    engine.close()


if __name__ == "__main__":
    main(StreamPlan.from_json(sys.argv[1]))
