"""One DynamoDB Local for all processes of a test run, started by whoever needs it first.

The engine belongs to a guard, a process of its own that ends it when the test run is over, however that came about:
workers of pytest-xdist come and go, and are killed without a word on Ctrl-C.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from cdk_app.local.dynamodb_local import DynamoDBLocal
from cdk_app.local.layout import ROOT, LocalCloudError
from tests.support.ports import free_port

START_TIMEOUT_SECONDS: Final = 90.0
POLL_SECONDS: Final = 0.1
GUARD_LIMIT_SECONDS: Final = 4 * 3600.0  # longer than any test run


def shared_endpoint(directory: Path, *, run_process_id: int) -> str:
    """The URL of the engine of this run, which is started if it is not there.

    directory: shared by all processes of the run. run_process_id: of the process whose end is the end of the run.
    """
    directory.mkdir(exist_ok=True)
    try:
        (directory / "guard").mkdir()
    except FileExistsError:
        pass  # somebody else was first
    else:
        _start_guard(directory, run_process_id)
    return _wait_for(directory / "endpoint")


def _start_guard(directory: Path, run_process_id: int) -> None:
    command = (sys.executable, "-m", "tests.support.dynamodb_local", str(directory), str(run_process_id))
    with (directory / "guard.log").open("wb") as log:
        subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        ).returncode = 0  # it outlives this process, which shall not warn about that


def _wait_for(path: Path) -> str:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if path.exists():
            answer = path.read_text(encoding="utf-8")
            if answer.startswith("http"):
                return answer
            raise LocalCloudError(answer)
        time.sleep(POLL_SECONDS)
    raise LocalCloudError(f"DynamoDB Local did not start within {START_TIMEOUT_SECONDS:.0f} s")


def _guard(directory: Path, run_process_id: int) -> None:
    engine = DynamoDBLocal(free_port())
    try:
        try:
            engine.start()
            engine.wait_until_ready()
        except LocalCloudError as exc:
            _publish(directory, str(exc))
            return
        _publish(directory, engine.endpoint_url)
        deadline = time.monotonic() + GUARD_LIMIT_SECONDS
        while _is_alive(run_process_id) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
    finally:
        engine.stop()


def _publish(directory: Path, text: str) -> None:
    unfinished = directory / "endpoint.unfinished"
    unfinished.write_text(text, encoding="utf-8")
    unfinished.rename(directory / "endpoint")  # readers see all of it or nothing


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("run_process_id", type=int)
    arguments = parser.parse_args()
    _guard(arguments.directory, arguments.run_process_id)
