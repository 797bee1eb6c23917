import os
import sys
import time
from pathlib import Path

import pytest

from cdk_app.local.layout import LocalCloudError
from cdk_app.local.processes import ChildProcess

# Starts a child of its own that ignores polite ends, says its number, and waits.
PARENT_OF_A_STUBBORN_CHILD = """
import subprocess, sys, time
child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
process = subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE)
process.stdout.readline()
print(process.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def start(tmp_path):
    started: list[ChildProcess] = []

    def start(program: str) -> ChildProcess:
        process = ChildProcess.start(
            "sample", [sys.executable, "-c", program], environment=os.environ, log_path=tmp_path / "logs" / "sample.log"
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.stop(grace_seconds=1)


def is_alive(pid: int) -> bool:
    """A zombie is dead: it waits to be collected by whoever adopted it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="reads the process table of Linux")
def test_nothing_of_a_process_group_survives_its_stop(start):
    parent = start(PARENT_OF_A_STUBBORN_CHILD)
    parent.wait_until(lambda: bool(parent.log_path.read_text()), timeout_seconds=20)
    child = int(parent.log_path.read_text())
    assert is_alive(child)
    parent.stop(grace_seconds=5)
    deadline = time.monotonic() + 5
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(child)
    assert not parent.is_running


def test_stopping_twice_is_harmless(start):
    process = start("import time; time.sleep(60)")
    process.stop(grace_seconds=5)
    process.stop(grace_seconds=5)
    assert process.exit_code == -15


def test_a_program_that_ends_while_it_is_awaited_is_reported_with_its_last_words(start):
    process = start("import sys; print('first'); sys.exit('out of memory')")
    with pytest.raises(LocalCloudError, match=r"sample ended with 1:[\s\S]*out of memory[\s\S]*sample\.log"):
        process.wait_until(lambda: False, timeout_seconds=20)


def test_a_program_that_is_never_ready_is_given_up(start):
    process = start("import time; print('thinking', flush=True); time.sleep(60)")
    with pytest.raises(LocalCloudError, match="was not ready after"):
        process.wait_until(lambda: False, timeout_seconds=0.3)


def test_a_program_that_takes_too_long_is_ended(start):
    process = start("import time; time.sleep(60)")
    with pytest.raises(LocalCloudError, match="took longer than"):
        process.wait(timeout_seconds=0.2)
    assert not process.is_running


def test_a_missing_program_asks_for_set_up(tmp_path):
    with pytest.raises(LocalCloudError, match="make setup"):
        ChildProcess.start("sample", [str(tmp_path / "none")], environment={}, log_path=tmp_path / "sample.log")
