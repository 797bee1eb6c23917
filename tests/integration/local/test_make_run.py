"""The whole local cloud in one run: deployed by the CDK, used through its ports, ended by Ctrl-C, started again."""

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from cdk_app.local.layout import ROOT, Layout
from cdk_app.services.nbhd_city.samples import SAMPLE_NEIGHBORHOODS
from tests.support.ports import free_offset

READY_SECONDS: Final = 180
ANALYSED_SECONDS: Final = 180
STOPPED_SECONDS: Final = 60
SAMPLE_CHANNEL: Final = "https://www.youtube.com/@SampleStocks"

type Json = Any


class MakeRun:
    """`make run` on ports of its own, with data of its own."""

    def __init__(self, log_directory: Path) -> None:
        self.layout = Layout(port_offset=free_offset())
        self.api = self._client(8001)
        self.nbhd_api = self._client(8004)
        self._log_directory = log_directory
        self._starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    def _client(self, declared: int) -> httpx.Client:
        return httpx.Client(base_url=f"http://localhost:{self.layout.moved(declared)}", timeout=30, trust_env=False)

    def start(self) -> str:
        """Start it, and return what it printed until it was ready."""
        self._starts += 1
        log = self._log_directory / f"run-{self._starts}.log"
        command = [sys.executable, "-m", "cdk_app.local", "run", "--port-offset", str(self.layout.port_offset)]
        with log.open("wb") as output:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + READY_SECONDS
        while "ready in" not in (printed := log.read_text(encoding="utf-8")):
            assert self._process.poll() is None, printed
            assert time.monotonic() < deadline, printed
            time.sleep(0.2)
        return printed

    def interrupt(self) -> int:
        """What Ctrl-C does; returns the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(STOPPED_SECONDS)

    def descendants(self) -> set[int]:
        """Process ids of everything that runs for it."""
        assert self._process is not None
        parents = _parents()
        found = {self._process.pid}
        for _ in range(len(parents)):
            more = {pid for pid, parent in parents.items() if parent in found} - found
            if not more:
                break
            found |= more
        return found

    def end(self) -> None:
        """Leave nothing behind, whatever happened."""
        self.api.close()
        self.nbhd_api.close()
        if self._process is not None and self._process.poll() is None:
            self.interrupt()
        shutil.rmtree(self.layout.state_directory, ignore_errors=True)


@pytest.fixture
def local_cloud(tmp_path) -> Iterator[MakeRun]:
    local_cloud = MakeRun(tmp_path)
    yield local_cloud
    local_cloud.end()


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="reads the process table of Linux")
@pytest.mark.parametrize(("months", "videos", "stocks"), [(1, 4, 3), pytest.param(12, 60, 20, marks=pytest.mark.soak)])
def test_a_channel_is_analysed_and_people_sign_in_on_one_machine_and_both_last_over_a_restart(
    local_cloud, months, videos, stocks
):
    deployed = local_cloud.start()
    assert "Deploying" in deployed
    assert local_cloud.api.get("/health").json() == {"status": "ok"}
    assert local_cloud.nbhd_api.get("/health").json() == {"status": "healthy"}

    _check_browser_may_write(local_cloud.api)
    channel = _analyse(local_cloud.api, months)
    assert channel["status"] == "completed"
    assert channel["processed_video_count"] == channel["video_count"] >= videos
    assert len(_check_results(local_cloud.api, channel["id"])) >= stocks
    signed_in = _check_neighborhoods(local_cloud)
    _check_console(local_cloud)

    running = local_cloud.descendants()
    assert len(running) > 5  # the runner, DynamoDB Local, MiniStack, two stand-ins, functions
    assert local_cloud.interrupt() == 0
    assert not running & _parents().keys()

    printed = local_cloud.start()
    assert "Deploying" not in printed
    assert local_cloud.api.get(f"/api/channels/{channel['id']}").json() == channel
    assert "Planting" not in printed
    assert local_cloud.nbhd_api.get("/auth/me", headers=signed_in).json()["user_id"] == "did:plc:alice"


def _analyse(api: httpx.Client, months: int) -> Json:
    """Add the sample channel and wait for the end of its analysis, as the web client does."""
    created = api.post("/api/channels", json={"url": SAMPLE_CHANNEL, "time_range_months": months})
    assert created.status_code == 201, created.text
    address = f"/api/channels/{created.json()['id']}"
    deadline = time.monotonic() + ANALYSED_SECONDS
    while (channel := api.get(address).json())["status"] in {"pending", "processing"}:
        assert time.monotonic() < deadline, api.get(f"{address}/logs").text
        time.sleep(1)
    return channel


def _check_results(api: httpx.Client, channel_id: str) -> list[Json]:
    """Stocks, timeline, drill-down and log speak of the same picks. Returns the stocks."""
    stocks: list[Json] = api.get(f"/api/channels/{channel_id}/stocks").json()["stocks"]
    timeline = api.get(f"/api/channels/{channel_id}/timeline").json()["timeline"]
    assert sum(stock["total_mentions"] for stock in stocks) == sum(len(entry["mentions"]) for entry in timeline)
    ticker = stocks[0]["ticker"]
    drill_down = api.get(f"/api/channels/{channel_id}/stocks/{ticker}").json()
    assert len(drill_down["mentions"]) == stocks[0]["total_mentions"]
    assert api.get(f"/api/channels/{channel_id}/logs").json()["logs"]
    return stocks


def _check_browser_may_write(api: httpx.Client) -> None:
    """A preflight of the web client is answered for its origin, and for no other; so is what follows."""
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    answers = [
        api.options("/api/channels", headers={"Origin": origin, **asked})
        for origin in ("http://localhost:5173", "http://evil.example")
    ]
    assert [answer.headers.get("access-control-allow-origin") for answer in answers] == ["http://localhost:5173", None]
    assert answers[0].is_success
    read = api.get("/api/channels", headers={"Origin": "http://localhost:5173"})
    assert read.headers.get_list("access-control-allow-origin") == ["http://localhost:5173"]  # twice: browsers refuse


def _check_neighborhoods(local_cloud: MakeRun) -> dict[str, str]:
    """The samples are listed, and people sign in: with a password, and at the stand-in with its way back here.

    Returns the headers of somebody who is signed in.
    """
    api = local_cloud.nbhd_api
    assert len(api.get("/api/nbhds").json()) == len(SAMPLE_NEIGHBORHOODS)
    answer = api.post("/auth/test-login", json={"username": "alice", "password": "alice"})
    assert answer.status_code == 200, answer.text
    signed_in = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    mine = api.get("/api/users/me/nbhds", headers=signed_in).json()["neighborhoods"]
    assert {each["name"] for each in mine} < {sample.name for sample in SAMPLE_NEIGHBORHOODS}

    console = f"http://localhost:{local_cloud.layout.console_port}"
    started = api.get("/auth/login", params={"return_url": f"{console}/callback.html"})
    assert started.status_code == 302, started.text
    page = httpx.get(started.headers["location"], timeout=30, trust_env=False)
    [request_uri] = re.findall(r'name="request_uri" value="([^"]+)"', page.text)
    stand_in = f"http://localhost:{local_cloud.layout.moved(8013)}/decide"
    back = httpx.post(stand_in, data={"request_uri": request_uri, "account": "did:plc:bob"}, timeout=30).headers
    cookies = "; ".join(f"{name}={value}" for name, value in started.cookies.items())
    landed = httpx.get(back["location"], headers={"cookie": cookies}, timeout=30, trust_env=False).headers["location"]
    assert landed.startswith(f"{console}/callback.html?code=")
    token = api.post("/auth/token", json={"code": landed.partition("code=")[2]}, headers={"Origin": console})
    assert token.json()["user"]["id"] == "did:plc:bob"
    assert token.headers.get_list("access-control-allow-origin") == [console]
    return signed_in


def _check_console(local_cloud: MakeRun) -> None:
    page = httpx.get(f"http://localhost:{local_cloud.layout.console_port}/", timeout=30, trust_env=False)
    assert page.status_code == 200
    for text in ("Stock Track Record", "nbhd.city", "NbhdCity-Tasks-local", "nbhd-city-local", "sign in"):
        assert text in page.text


def _parents() -> dict[int, int]:
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
