"""`make run` as a person has it, on ports of its own and with data of its own."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx
import pytest

from cdk_app.local.layout import ROOT, Layout
from tests.support.ports import free_offset

READY_SECONDS: Final = 180
STOPPED_SECONDS: Final = 60


class MakeRun:
    """`make run` on ports of its own, with data of its own."""

    def __init__(self, log_directory: Path, root: Path = ROOT) -> None:
        """root: of the sources that it runs."""
        self.root = root
        self.layout = Layout(port_offset=free_offset())
        self.api = self._client(8001)
        self.judge_api = self._client(8002)
        self.yoto_api = self._client(8003)
        self.nbhd_api = self._client(8004)
        self._log_directory = log_directory
        self._starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def state_directory(self) -> Path:
        return self.root / self.layout.state_directory.relative_to(ROOT)

    def _client(self, declared: int) -> httpx.Client:
        return httpx.Client(base_url=f"http://localhost:{self.layout.moved(declared)}", timeout=30, trust_env=False)

    def start(self) -> str:
        """Start it, and return what it printed until it was ready."""
        self._starts += 1
        log = self._log_directory / f"run-{self._starts}.log"
        command = [sys.executable, "-m", "cdk_app.local", "run", "--port-offset", str(self.layout.port_offset)]
        with log.open("wb") as output:
            self._process = subprocess.Popen(command, cwd=self.root, stdout=output, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + READY_SECONDS
        while "ready in" not in (printed := log.read_text(encoding="utf-8")):
            assert self._process.poll() is None, printed
            assert time.monotonic() < deadline, printed
            time.sleep(0.2)
        return printed

    def start_that_fails(self) -> str:
        """What it printed until it ended by itself."""
        with pytest.raises(AssertionError) as failure:
            self.start()
        return str(failure.value)

    def kill_everything(self) -> None:
        """What a power cut does: none of them notices the end of another one."""
        assert self._process is not None
        stopped: set[int] = set()
        while fresh := self.descendants() - stopped:  # who is stopped starts no other
            for pid in fresh:
                with suppress(ProcessLookupError):  # it ended by itself
                    os.kill(pid, signal.SIGSTOP)
            stopped |= fresh
        for pid in stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(STOPPED_SECONDS)

    def kill_the_runner(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(STOPPED_SECONDS)

    def interrupt(self) -> int:
        """What Ctrl-C does; returns the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(STOPPED_SECONDS)

    def descendants(self) -> set[int]:
        """Process ids of everything that runs for it."""
        assert self._process is not None
        parent_of = parents()
        found = {self._process.pid}
        for _ in range(len(parent_of)):
            more = {pid for pid, parent in parent_of.items() if parent in found} - found
            if not more:
                break
            found |= more
        return found

    def end(self) -> None:
        """Leave nothing behind, whatever happened."""
        self.api.close()
        self.judge_api.close()
        self.yoto_api.close()
        self.nbhd_api.close()
        self.forget()

    def forget(self) -> None:
        """End it if it runs, and remove its data."""
        if self._process is not None and self._process.poll() is None:
            self.interrupt()
        shutil.rmtree(self.state_directory, ignore_errors=True)


def parents() -> dict[int, int]:
    """Parent of every process that is more than a zombie, by process id."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
        if state != "Z":
            parents[int(stat.parent.name)] = int(parent)
    return parents
