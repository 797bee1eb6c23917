"""A trial by kill -9: workers are killed while they work, and what they were doing is kept count of."""

import contextlib
import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from cdk_app.local.layout import ROOT
from cdk_app.services.stock_track_record.stand_ins.ledger import Call
from cdk_app.services.stock_track_record.stand_ins.world import World
from tests.support.worker_process import WorkerPlan, caller_of

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

MAX_KILLS_PER_VIDEO: Final = 3  # a fourth would be a poisonous video, which is given up on purpose
KILL_SECONDS: Final = 10.0
STOP_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.01
QUEUE_POLL_SECONDS: Final = 0.2
RANDOM_DELAY_SECONDS: Final = 0.3  # about what one video takes
LAST_STRIKE_AT: Final = 0.8  # of the videos: later there may be no worker left to be hit


@dataclass(frozen=True, slots=True)
class Strikes:
    """Who is to be killed. during_call: by YouTube video id, how many calls to Gemini do not survive.

    at_random: kills at random moments of random workers that have a message. gentle: ids of videos whose message has
    another delivery already; they are hit at most once, since a queue gives a message five deliveries.
    """

    during_call: Mapping[str, int]
    at_random: int
    gentle: Collection[str] = ()

    @property
    def count(self) -> int:
        return sum(self.during_call.values()) + self.at_random


@dataclass(slots=True)
class Observed:
    """What the supervisor told. working: the video of every busy worker, "" for other messages."""

    alive: set[int] = field(default_factory=set)
    working: dict[int, str] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)
    deliveries: Counter[str] = field(default_factory=Counter)
    crashes: list[int] = field(default_factory=list)
    kill_count: int = 0


class Trial:
    """Workers under fire, from construction until `stop`; also a context manager.

    video_ids: the id of each video by its YouTube id. program: the module of the workers. Raises AssertionError where a
    kill does not come about.
    """

    def __init__(
        self,
        plan: WorkerPlan,
        strikes: Strikes,
        *,
        world: World | None,
        video_ids: Mapping[str, str],
        log_path: Path,
        seed: int = 1,
        program: str = "tests.support.worker_process",
    ) -> None:
        self.strikes = strikes
        self.observed = Observed()
        self._video_ids = video_ids
        self._planned = Counter(dict(strikes.during_call))
        self._random = random.Random(seed)
        self._doomed: set[int] = set()
        self._changed = threading.Condition()
        self._is_stopped = threading.Event()
        if world is not None:
            world.before_answer = self._kill_caller
        with log_path.open("wb") as log:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-m", program, plan.to_json()],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self._threads = [
            threading.Thread(target=self._read_events, daemon=True),
            threading.Thread(target=self._strike_at_random, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End all processes: the supervisor ends its workers when its standard input is closed."""
        self._is_stopped.set()
        assert self._supervisor.stdin is not None
        assert self._supervisor.stdout is not None
        self._supervisor.stdin.close()
        try:
            self._supervisor.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()
            self._supervisor.wait()
        for thread in self._threads:
            thread.join(STOP_SECONDS)
        self._supervisor.stdout.close()

    def wait_until_all_is_quiet(self, sqs: "SQSClient", queue_url: str, *, timeout_seconds: float) -> None:
        """Return once every planned kill was made and the queue is empty. Raises AssertionError when that is late."""
        ends_at = time.monotonic() + timeout_seconds
        while True:
            assert not self.observed.crashes, f"workers ended by themselves: {self.observed.crashes}"
            assert self._supervisor.poll() is None, "the supervisor ended"
            left = messages_left(sqs, queue_url)
            if not left and self.observed.kill_count >= self.strikes.count and not self.observed.working:
                return
            assert time.monotonic() < ends_at, (
                f"after {timeout_seconds:.0f} s {left} messages are left, "
                f"{self.observed.kill_count} of {self.strikes.count} kills were made"
            )
            time.sleep(QUEUE_POLL_SECONDS)

    # ---- what is told ----------------------------------------------------------------------------------------------

    def _read_events(self) -> None:
        assert self._supervisor.stdout is not None
        for line in self._supervisor.stdout:
            event = json.loads(line)
            with self._changed:
                self._note(event)
                self._changed.notify_all()

    def _note(self, event: Mapping[str, Any]) -> None:
        seen, process = self.observed, event["process"]
        match event["event"]:
            case "started":
                seen.alive.add(process)
                self._doomed.discard(process)  # systems use ids again
            case "took":
                seen.working[process] = event["subject"]
                seen.deliveries[event["subject"]] += 1
            case "settled":
                seen.working.pop(process, None)
                seen.settled[event["subject"]] += bool(event["is_done"])
            case "ended":
                seen.alive.discard(process)
                subject = seen.working.pop(process, "")
                if event["exit_code"] == -9:
                    seen.kill_count += 1
                    seen.kills[subject] += 1
                else:
                    seen.crashes.append(event["exit_code"])

    # ---- kills -----------------------------------------------------------------------------------------------------

    def _kill_caller(self, call: Call) -> None:
        """In the middle of a call to Gemini that is to be paid for and never heard."""
        if call.service != "gemini":
            return
        with self._changed:
            if self._planned[call.subject] <= 0 or not self._claims(caller_of(call.path)):
                return
            self._planned[call.subject] -= 1
        self._kill(caller_of(call.path))

    def _strike_at_random(self) -> None:
        """Spread over the run: the next one when so many more videos are settled, at any moment after that."""
        step = LAST_STRIKE_AT * len(self._video_ids) / (self.strikes.at_random + 1)
        made = 0
        while made < self.strikes.at_random and not self._is_stopped.wait(POLL_SECONDS):
            with self._changed:
                is_due = len(self.observed.settled) > made * step
            if is_due:
                self._is_stopped.wait(self._random.uniform(0, RANDOM_DELAY_SECONDS))
                with self._changed:
                    possible = sorted(process for process, video in self.observed.working.items() if self._may(video))
                    chosen = self._random.choice(possible) if possible else None
                    is_claimed = chosen is not None and self._claims(chosen)
                if chosen is not None and is_claimed:
                    self._kill(chosen)
                    made += 1

    def _may(self, video_id: str) -> bool:
        """Whether a kill of this video leaves it within its limit, the planned ones included."""
        if not video_id:  # the listing, once
            return not self.observed.kills[video_id]
        planned = sum(count for name, count in self._planned.items() if self._video_ids[name] == video_id)
        limit = 1 if video_id in self.strikes.gentle else MAX_KILLS_PER_VIDEO
        return self.observed.kills[video_id] + planned < limit

    def _claims(self, process: int) -> bool:
        """Whether the caller may kill it: both kinds of strikes can mean the same worker, which dies once."""
        if process not in self.observed.alive or process in self._doomed:
            return False
        self._doomed.add(process)
        return True

    def _kill(self, process: int) -> None:
        """Kill -9 one worker and wait until it is gone; the supervisor does it, as it knows whose the id is."""
        assert self._supervisor.stdin is not None
        with contextlib.suppress(BrokenPipeError, ValueError):  # the trial is over, its workers end anyway
            self._supervisor.stdin.write(f"{process}\n".encode())
            self._supervisor.stdin.flush()
        with self._changed:
            self._changed.wait_for(lambda: process not in self.observed.alive, timeout=KILL_SECONDS)


def messages_left(sqs: "SQSClient", queue_url: str) -> int:
    """On the queue: visible, hidden and delayed."""
    attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])["Attributes"]
    return (
        int(attributes["ApproximateNumberOfMessages"])
        + int(attributes["ApproximateNumberOfMessagesNotVisible"])
        + int(attributes["ApproximateNumberOfMessagesDelayed"])
    )
