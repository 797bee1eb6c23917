"""Phases of a migration in processes of their own, forked from one that has imported everything already.

`python -m lambda_src.migration` needs a second to begin; a migration that is killed and started again begins often. One
line comes in for each phase, and two go out: the id of its process, and its exit code.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from cdk_app.local.layout import ROOT
from lambda_src.migration import cli
from tests.support.migration.operator import Operator

STOP_SECONDS: Final = 10.0
PHASE_SECONDS: Final = 1_800  # then it ends by SIGALRM


class Phases:
    """Starts phases, one at a time; also a context manager."""

    def __init__(self) -> None:
        self._forker = subprocess.Popen(
            (sys.executable, "-m", __name__), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, operator: Operator, phase: str, *options: str) -> "Running":
        """A phase under way. It prints to the end of `<phase>.log` in the operator's folder."""
        operator.folder.mkdir(parents=True, exist_ok=True)
        log_path = operator.folder / f"{phase}.log"
        variables = {name: value for name, value in operator.variables().items() if value is not None}
        assert self._forker.stdin is not None
        self._forker.stdin.write(json.dumps([operator.command(phase, *options), variables, str(log_path)]) + "\n")
        self._forker.stdin.flush()
        return Running(self._answer(), self._answer, log_path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._forker as forker:
            assert forker.stdin is not None
            forker.stdin.close()  # which ends it
            forker.wait(STOP_SECONDS)

    def _answer(self) -> int:
        assert self._forker.stdout is not None
        return int(self._forker.stdout.readline())


@dataclass(frozen=True, slots=True)
class Running:
    """A phase under way. wait: for its exit code, once; negative when a signal ended it."""

    process_id: int
    wait: Callable[[], int]
    log_path: Path

    def kill(self) -> None:
        """SIGKILL; harmless when it has ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process_id, signal.SIGKILL)

    def said(self) -> str:
        """What it and runs before it printed."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")


def _fork(command: Sequence[str], variables: Mapping[str, str], log_path: str) -> None:
    child = os.fork()
    if child:
        _tell(child)
        _, status = os.waitpid(child, 0)
        _tell(os.waitstatus_to_exitcode(status))
        return
    with Path(log_path).open("ab") as log:
        for number in (1, 2):
            os.dup2(log.fileno(), number)
    os.environ.update(variables)
    signal.alarm(PHASE_SECONDS)
    cli.app(command)  # exits


def _tell(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    for line in sys.stdin:
        _fork(*json.loads(line))
