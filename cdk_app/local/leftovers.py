"""Ends the programs of a local cloud whose runner is gone: killed, it could not end them itself.

    python -m cdk_app.local.leftovers STATE_DIRECTORY < a pipe that ends when the runner does

A process waits beside each runner for that end. Was it killed, too, the next `make run` or `make reset` does its work.
What still runs is known for certain, on Linux and macOS: each program holds a lock on the log it prints into from its
start to its end, and its process id, which is that of its group, stands beside. Standard library only: it is small.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

ENDING: Final = b"ending"  # in the lock of a state directory, from the end of the runner to that of what it left
GRACE_SECONDS: Final = 20.0  # the emulator writes its state
KILL_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.05


def process_id_path(log_path: Path) -> Path:
    """Where the process id of the program stands that prints into this log."""
    return log_path.with_suffix(".pid")


def end_leftovers(state_directory: Path) -> tuple[str, ...]:
    """End what still runs of a local cloud, politely and then by force. Returns the names of what ran."""
    left = {log: pid for log, pid in _recorded(state_directory) if _is_held(log)}
    for number, seconds in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
        held = [log for log in left if _is_held(log)]
        for log in held:
            with suppress(ProcessLookupError, PermissionError):  # it ended meanwhile; macOS says EPERM of zombies
                os.killpg(left[log], number)
        _wait_for(held, seconds)
    return tuple(sorted(log.stem for log in left))


@contextmanager
def minded(state_directory: Path, lock: BinaryIO) -> Iterator[None]:
    """While inside, the end of this process ends its programs. lock: of the state directory, held until they ended."""
    minder = subprocess.Popen(
        [sys.executable, "-m", "cdk_app.local.leftovers", str(state_directory), str(lock.fileno())],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(lock.fileno(),),
        start_new_session=True,  # what is sent to the group of the runner does not reach it
    )
    try:
        yield
    finally:
        if minder.stdin is not None:
            minder.stdin.close()
        minder.wait(GRACE_SECONDS + KILL_SECONDS)


def _recorded(state_directory: Path) -> Iterator[tuple[Path, int]]:
    for log in state_directory.glob("*/*.log"):
        try:
            yield log, int(process_id_path(log).read_text(encoding="ascii"))
        except (OSError, ValueError):  # not of a program of ours
            continue


def _is_held(log: Path) -> bool:
    try:
        with log.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _wait_for(logs: Iterable[Path], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(_is_held(log) for log in logs) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def main() -> None:
    state_directory, lock = Path(sys.argv[1]), int(sys.argv[2])
    sys.stdin.buffer.read()
    os.write(lock, ENDING)
    end_leftovers(state_directory)


if __name__ == "__main__":
    main()
