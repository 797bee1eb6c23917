"""The API as one process on one SQLite file, and as a function that was told of no table."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest

from lambda_src.services.yoto_smart_stream.errors import ConfigurationError
from tests.support.assembly import ROOT
from tests.support.ports import free_port

PASSWORD = "a password of this machine"
MEMBER = "four quiet green lamps"
STARTED_SECONDS = 30


@pytest.fixture
def asgi(monkeypatch, tmp_path) -> Any:
    """The module, whose import opens the database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "sqlite:///:memory:")
    return import_module("lambda_src.services.yoto_smart_stream.asgi")


@contextmanager
def served(folder: Path, **variables: str) -> Iterator[tuple[httpx.Client, Path]]:
    """`uvicorn` in a folder, and the file that holds what it printed."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "lambda_src.services.yoto_smart_stream.asgi:app", "--port", str(port)]
    variables = {"PYTHONPATH": str(ROOT), **variables}
    with started([*command, "--no-proxy-headers"], port, cwd=folder, log=folder / "printed.txt", **variables) as made:
        yield made


@contextmanager
def started(
    command: Sequence[str], port: int, *, cwd: Path, log: Path, **variables: str
) -> Iterator[tuple[httpx.Client, Path]]:
    """A server that a command starts, and the file that holds what it printed. It and what it started are stopped."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=cwd, stdout=output, stderr=output, env=inherited | variables, start_new_session=True
        )
    api = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False)
    try:
        deadline = time.monotonic() + STARTED_SECONDS
        while True:
            assert process.poll() is None, log.read_text()
            with suppress(httpx.TransportError):
                api.get("/api/health")
                break
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield api, log
    finally:
        api.close()
        os.killpg(process.pid, signal.SIGINT)
        process.wait(STARTED_SECONDS)


def signed_in(api: httpx.Client, username: str, password: str) -> dict[str, str]:
    answer = api.post("/api/user/login", json={"username": username, "password": password})
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def test_a_household_lives_in_a_file_and_finds_it_again(tmp_path):
    variables = {"BOOTSTRAP_ADMIN_PASSWORD": PASSWORD, "JWT_SECRET": "s" * 32, "DATABASE_URL": "sqlite:///house.db"}
    with served(tmp_path, **variables) as (api, _):
        assert api.get("/api/ready").json() == {"ready": True, "store": "sqlite"}
        headers = signed_in(api, "admin", PASSWORD)
        own = {"current_password": PASSWORD, "new_password": MEMBER}
        assert api.get("/api/audio", headers=headers).json()["code"] == "password_change_required"
        changed = api.post("/api/user/password", json=own, headers=headers)
        admin = {"Authorization": f"Bearer {changed.json()['access_token']}"}
        assert api.get("/api/audio", headers=admin).json() == {"items": [], "count": 0, "next_cursor": None}
        john = {"username": "john", "password": "another quiet lamp", "email": "john@example.com"}
        assert api.post("/api/admin/users", json=john, headers=admin).json()["id"] == 2
        upload = api.post("/api/audio/uploads", json={"filename": "a.mp3", "size": 1}, headers=admin)
        assert (upload.status_code, upload.json()["code"]) == (503, "configuration_error")
    with served(tmp_path, **variables) as (api, printed):
        me = api.get("/api/user/me", headers=admin)  # tokens are good over a restart, as their key is
        assert (me.status_code, me.json()["username"]) == (200, "admin")
        users = api.get("/api/admin/users", headers=admin).json()["items"]
        assert [user["username"] for user in users] == ["admin", "john"]
    text = printed.read_text()
    assert PASSWORD not in text
    assert "JWT_SECRET is not set" not in text


def test_without_a_word_it_makes_up_a_password_and_prints_it_once(tmp_path):
    with served(tmp_path) as (api, log):
        printed = log.read_text()
        [password] = re.findall(r"sign in as admin with (\S+)", printed)
        assert "JWT_SECRET is not set: tokens end with this process" in printed
        signed_in(api, "admin", password)
        assert api.post("/api/user/login", json={"username": "admin", "password": "yoto"}).status_code == 401
    assert (tmp_path / "yoto_smart_stream.db").exists()
    assert log.read_text().count(password) == 1


def test_one_command_serves_a_file_whatever_else_the_shell_knows(tmp_path):
    port, database = free_port(), tmp_path / "house.db"
    command = ["make", "run-sqlite", f"PORT_OFFSET={port - 8003}"]
    variables = {
        "DATABASE_URL": f"sqlite:///{database}", "DYNAMODB_TABLE": "yoto-smart-stream-prod",
        "BOOTSTRAP_ADMIN_PASSWORD": PASSWORD,
    }  # fmt: skip
    with started(command, port, cwd=ROOT, log=tmp_path / "printed.txt", **variables) as (api, log):
        assert api.get("/api/ready").json() == {"ready": True, "store": "sqlite"}
        signed_in(api, "admin", PASSWORD)
        assert api.get(f"/play/{'a' * 32}").status_code == 404
    assert database.exists()
    assert "a" * 32 not in log.read_text()


def test_a_start_that_is_told_nonsense_ends_with_the_sentence(tmp_path):
    command = [sys.executable, "-c", "import lambda_src.services.yoto_smart_stream.asgi"]
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DATABASE_URL": "postgresql://x"}

    ended = subprocess.run(
        command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=30, check=False
    )

    assert ended.returncode == 1
    assert "DATABASE_URL must look like sqlite:///file.db, sqlite:////absolute/file.db or" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_key_of_tokens_that_is_short_is_refused(asgi):
    with pytest.raises(ConfigurationError, match="JWT_SECRET has at least 32 characters"):
        asgi.local_secrets({"JWT_SECRET": "s" * 31})


def test_what_the_environment_says_comes_before_what_this_machine_has(asgi):
    assert asgi.local_settings({}).transcription_provider == "fake"
    assert (
        asgi.local_settings({"TRANSCRIPTION_PROVIDER": "none", "CORS_ORIGINS": "http://a"}).cors_origins == "http://a"
    )


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/audio"), ("POST", "/api/user/login"), ("DELETE", "/api/audio/a.mp3"),
                         ("GET", "/api/ready"), ("GET", "/play/abc"), ("PUT", "/api/settings/x")],
)  # fmt: skip
def test_without_a_table_nothing_is_served_but_that_it_runs(new_house, method: str, path: str):
    house: Any = new_house(dynamodb_table="")

    answer = house.api.request(method, path)

    assert (answer.status_code, answer.json()["code"]) == (503, "configuration_error")
    assert answer.json()["detail"] == "The server is not configured: DYNAMODB_TABLE is not set."
    assert house.api.get("/api/health").json()["status"] == "healthy"
