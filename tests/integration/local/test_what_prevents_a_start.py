"""`make run` where it cannot work: one clear sentence, and as little as possible done before."""

import errno
import fcntl
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from cdk_app.local.layout import HOST, ROOT, Layout
from tests.support.ports import free_offset

API_PORT: Final = 8004


@pytest.fixture
def layout() -> Iterator[Layout]:
    layout = Layout(port_offset=free_offset())
    yield layout
    shutil.rmtree(layout.state_directory, ignore_errors=True)


def said(layout: Layout, command: str = "run") -> list[str]:
    """What it prints, having ended by itself with 1."""
    arguments = [sys.executable, "-m", "cdk_app.local", command, "--port-offset", str(layout.port_offset)]
    ended = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert ended.stderr == ""
    return ended.stdout.splitlines()


@contextmanager
def taken(port: int) -> Iterator[None]:
    """Nobody else can have the port: somebody listens there, we or one who was quicker."""
    with socket.socket() as somebody:
        try:
            somebody.bind((HOST, port))
            somebody.listen()
        except OSError as exc:
            assert exc.errno == errno.EADDRINUSE, exc  # noqa: PT017 -- what any other test may have done meanwhile
        yield


@pytest.mark.parametrize("command", ["run", "reset"])
def test_a_local_cloud_that_is_running_is_named_before_anything_else(layout, command):
    layout.state_directory.mkdir(parents=True)
    with (layout.state_directory / "lock").open("wb") as lock, taken(layout.console_port):
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert said(layout, command) == [
            f"The local cloud is running already: its console is {layout.console_url}. Ctrl-C in its terminal stops it"
        ]


def test_a_taken_port_of_an_api_is_noticed_before_anything_starts(layout):
    port = layout.moved(API_PORT)
    with taken(port):
        [line] = said(layout)
    assert line.startswith(f"Port {port}, needed for the API of nbhd.city, is taken.")
    assert not layout.log_directory.exists()
