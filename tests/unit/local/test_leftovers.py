"""What a killed runner leaves: ended by the process that minds it, or by the next start if that was killed, too."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cdk_app.local import leftovers
from cdk_app.local.layout import ROOT
from cdk_app.local.leftovers import end_leftovers, process_id_path
from cdk_app.local.processes import ChildProcess

# Two programs of a runner: one that takes a while to end politely, and one in a session of its own, as Node has.
RUNNER = """
import os, sys, time
from pathlib import Path
from cdk_app.local.leftovers import minded
from cdk_app.local.processes import ChildProcess

POLITE = '''
import signal, sys, time
def end(*_):
    time.sleep(0.3)
    print("state written", flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("up", flush=True)
time.sleep(60)
'''
WRAPPER = '''
import subprocess, sys
subprocess.run([sys.executable, "-c", "print('up', flush=True); import time; time.sleep(60)"])
'''
state = Path(sys.argv[1])
with (state / "lock").open("ab") as lock, minded(state, lock):
    for name, program in (("polite", POLITE), ("wrapper", WRAPPER)):
        log = state / "logs" / f"{name}.log"
        process = ChildProcess.start(name, [sys.executable, "-c", program], environment=os.environ, log_path=log)
        process.wait_until(lambda: "up" in log.read_text(), timeout_seconds=20)
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def runner(tmp_path) -> Iterator[subprocess.Popen[bytes]]:
    """A runner that is ready; whatever is left of it afterwards is ended."""
    command = [sys.executable, "-c", RUNNER, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.kill()
    end_leftovers(tmp_path)


def still_running(state: Path) -> list[str]:
    return sorted(log.stem for log in state.glob("logs/*.log") if leftovers._is_held(log))


def wait_for_the_end(state: Path) -> None:
    deadline = time.monotonic() + 30
    while still_running(state):
        assert time.monotonic() < deadline, still_running(state)
        time.sleep(0.02)


def test_programs_end_politely_when_their_runner_is_killed(runner, tmp_path):
    assert still_running(tmp_path) == ["polite", "wrapper"]
    runner.kill()
    wait_for_the_end(tmp_path)
    assert (tmp_path / "logs" / "polite.log").read_text().splitlines() == ["up", "state written"]
    assert (tmp_path / "lock").read_bytes() == leftovers.ENDING


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="finds the minder in the process table of Linux")
def test_programs_whose_minder_was_killed_as_well_are_ended_by_whoever_comes_next(runner, tmp_path):
    for pid in minders_of(runner.pid):
        os.kill(pid, signal.SIGKILL)
    runner.kill()
    runner.wait()
    assert still_running(tmp_path) == ["polite", "wrapper"]
    assert end_leftovers(tmp_path) == ("polite", "wrapper")
    assert still_running(tmp_path) == []
    assert "state written" in (tmp_path / "logs" / "polite.log").read_text()
    assert end_leftovers(tmp_path) == ()


def test_a_program_that_is_deaf_to_the_polite_end_is_ended_by_force(tmp_path, monkeypatch):
    monkeypatch.setattr(leftovers, "GRACE_SECONDS", 0.2)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    process = started(tmp_path, deaf)
    assert end_leftovers(tmp_path) == ("sample",)
    assert process.wait(timeout_seconds=10) == -signal.SIGKILL


def test_a_stranger_that_got_the_process_id_of_a_program_that_ended_is_left_alone(tmp_path):
    started(tmp_path, "import time; print('up', flush=True); time.sleep(60)").stop(grace_seconds=5)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as stranger:
        process_id_path(tmp_path / "logs" / "sample.log").write_text(str(stranger.pid))
        assert end_leftovers(tmp_path) == ()
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("written", ["", "not a number", None])
def test_a_process_id_that_cannot_be_read_harms_nobody(tmp_path, written):
    process = started(tmp_path, "import time; print('up', flush=True); time.sleep(60)")
    path = process_id_path(tmp_path / "logs" / "sample.log")
    path.unlink() if written is None else path.write_text(written)
    assert end_leftovers(tmp_path) == ()
    assert process.is_running
    process.stop(grace_seconds=5)


def started(state: Path, program: str) -> ChildProcess:
    """A program that is up."""
    log = state / "logs" / "sample.log"
    process = ChildProcess.start("sample", [sys.executable, "-c", program], environment=os.environ, log_path=log)
    process.wait_until(lambda: "up" in log.read_text(), timeout_seconds=20)
    return process


def minders_of(runner: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text(errors="replace").rpartition(")")[2].split()[1])
            command = (stat.parent / "cmdline").read_text()
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
        if parent == runner and leftovers.__name__ in command:
            found.append(int(stat.parent.name))
    assert found
    return found
