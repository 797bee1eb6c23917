"""The whole local cloud in one run: deployed by the CDK, used through its ports, killed, started again, ended."""

import re
import time
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from cdk_app.services.algoitny import samples, story
from cdk_app.services.algoitny.google.world import SAMPLE_PEOPLE
from cdk_app.services.nbhd_city.samples import SAMPLE_NEIGHBORHOODS
from cdk_app.services.yoto_smart_stream.samples import LISTENERS
from cdk_app.services.yoto_smart_stream.tunes import TUNES
from tests.support.chromium import started_chromium
from tests.support.listening import FILENAME, SIZE, listen
from tests.support.make_run import MakeRun, parents

ANALYSED_SECONDS: Final = 180
COUNTED_SECONDS: Final = 60
PAGES_SERVED_HERE: Final = (
    "http://localhost:5173",
    "http://127.0.0.1:5173",
    "http://localhost:4173",
    "http://127.0.0.1:4173",
    "http://localhost:3000",
)
BURST: Final = frozenset(f"Burst {number}" for number in range(50))
LISTENED_TO: Final = unicodedata.normalize("NFC", FILENAME)
SAMPLE_CHANNEL: Final = "https://www.youtube.com/@SampleStocks"

type Json = Any


@pytest.fixture
def local_cloud(tmp_path) -> Iterator[MakeRun]:
    local_cloud = MakeRun(tmp_path)
    yield local_cloud
    local_cloud.end()


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="reads the process table of Linux")
@pytest.mark.parametrize(("months", "videos", "stocks"), [(1, 4, 3), pytest.param(12, 60, 20, marks=pytest.mark.soak)])
def test_a_channel_is_analysed_and_people_sign_in_on_one_machine_and_both_last_over_a_power_cut(
    local_cloud, months, videos, stocks
):
    deployed = local_cloud.start()
    assert "Deploying" in deployed
    assert local_cloud.api.get("/health").json() == {"status": "ok"}
    assert local_cloud.nbhd_api.get("/health").json() == {"status": "healthy"}
    assert local_cloud.yoto_api.get("/api/health").json()["status"] == "healthy"
    assert local_cloud.yoto_api.get("/api/ready").json() == {"ready": True, "store": "dynamodb"}
    [administrator] = re.findall(r"Yoto Smart Stream, first user.*?(admin, password \S{24}) ", deployed)

    _check_browsers_may_write(local_cloud.api, "/api/channels")
    _check_browsers_may_write(local_cloud.nbhd_api, "/api/nbhds")
    channel = _analyse(local_cloud.api, months)
    assert channel["status"] == "completed"
    assert channel["processed_video_count"] == channel["video_count"] >= videos
    assert len(_check_results(local_cloud.api, channel["id"])) >= stocks
    signed_in = _check_neighborhoods(local_cloud)
    _check_console(local_cloud)
    _check_hosts(local_cloud)
    runs = _check_runs(local_cloud)
    _check_burst(local_cloud.nbhd_api, signed_in)
    _check_library(local_cloud)

    local_cloud.kill_everything()
    printed = local_cloud.start()
    assert "Deploying" not in printed
    assert administrator in printed
    assert local_cloud.api.get(f"/api/channels/{channel['id']}").json() == channel
    assert "Planting" not in printed
    assert local_cloud.judge_api.get("/api/history", params={"scope": "public", "limit": 100}).json()["results"] == runs
    assert _listed(local_cloud) == {LISTENED_TO, *(tune.filename for tune in TUNES)}
    assert local_cloud.nbhd_api.get("/auth/me", headers=signed_in).json()["user_id"] == "did:plc:alice"
    assert len(_mine(local_cloud.nbhd_api, signed_in) & BURST) == len(BURST)

    running = local_cloud.descendants()
    assert len(running) > 6  # the runner and its minder, DynamoDB Local, MiniStack, two stand-ins, functions
    assert local_cloud.interrupt() == 0
    assert not running & parents().keys()


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


def _check_browsers_may_write(api: httpx.Client, path: str) -> None:
    """A preflight is answered for each place where the usual tools serve a page, and for no other; so is a read."""
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    for origin in PAGES_SERVED_HERE:
        preflight = api.options(path, headers={"Origin": origin, **asked})
        assert (preflight.is_success, preflight.headers["access-control-allow-origin"]) == (True, origin)
        read = api.get(path, headers={"Origin": origin})
        assert read.headers.get_list("access-control-allow-origin") == [origin]  # twice: browsers refuse
    foreign = api.options(path, headers={"Origin": "http://evil.example", **asked})
    assert "access-control-allow-origin" not in foreign.headers


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


def _check_hosts(local_cloud: MakeRun) -> None:
    """Nothing that listens answers a page elsewhere whose name points to this machine."""
    layout = local_cloud.layout
    ports = [
        layout.emulator_port,
        *(layout.moved(port) for port in (8000, 8001, 8002, 8003, 8004, 8010, 8012, 8013, 8102)),
    ]
    answers = [
        httpx.get(f"http://127.0.0.1:{port}/", headers={"host": f"evil.example:{port}"}, trust_env=False).status_code
        for port in ports
    ]
    assert answers == [403, *[400] * 8, 404]


def _check_runs(local_cloud: MakeRun) -> list[Json]:
    """Somebody signs in with Google, runs, and is counted by the stream; one of the samples is at the limit.

    Returns the newest public runs.
    """
    api, google = local_cloud.judge_api, f"http://localhost:{local_cloud.layout.moved(8012)}"
    limited, somebody = (samples.sign_in(api, google, person).headers for person in SAMPLE_PEOPLE[:2])
    refused = api.post("/api/history", json=story.run(7), headers=limited)
    assert (refused.status_code, refused.json()["limit"]) == (429, samples.LIMIT)
    assert api.get("/api/account/plan-usage", headers=somebody).json()["plan_name"] == samples.PLAN
    made = api.post("/api/history", json=story.run(0), headers=somebody)
    assert made.status_code == 201, made.text
    deadline = time.monotonic() + COUNTED_SECONDS
    own = api.get("/api/history", params={"scope": "mine", "limit": 100}, headers=somebody).json()["results"]
    while (counted := api.get("/api/account/stats", headers=somebody).json()["total_executions"]) < len(own):
        assert time.monotonic() < deadline, f"{counted} of {len(own)} runs are counted"
        time.sleep(0.5)
    assert counted == len(own)
    newest: list[Json] = api.get("/api/history", params={"scope": "public", "limit": 100}).json()["results"]
    assert made.json()["id"] in {run["id"] for run in newest}
    return newest


def _check_burst(api: httpx.Client, signed_in: dict[str, str]) -> None:
    """Fifty people at once are all answered, though one process of the function runs."""

    def create(name: str) -> int:
        return api.post("/api/nbhds", json={"name": name, "description": "at once"}, headers=signed_in).status_code

    with ThreadPoolExecutor(len(BURST)) as threads:
        assert list(threads.map(create, BURST)) == [201] * len(BURST)
    assert len(_mine(api, signed_in) & BURST) == len(BURST)


def _check_library(local_cloud: MakeRun) -> None:
    """A page uploads 5 MB by its ticket, sees the text, and plays a part; one of another origin gets nothing at all."""
    [(name, password), *_] = LISTENERS.items()
    address = f"http://localhost:{local_cloud.layout.moved(8003)}"
    with started_chromium() as chromium:
        found = listen(chromium, origin=PAGES_SERVED_HERE[0], api=address, username=name, password=password)
        foreign = listen(chromium, origin="http://evil.example", api=address, username=name, password=password)
    assert foreign == {"refused": "TypeError"}
    assert (found["sent"], found["state"], found["reason"]) == (204, "completed", None)
    file = found["file"]
    assert (file["filename"], file["size"], file["content_type"]) == (LISTENED_TO, SIZE, "audio/mpeg")
    assert (file["transcript_status"], file["duration"]) == ("completed", 328)
    assert "ministack" in found["transcript"]["transcript"]  # it listens to nothing, and says so
    assert (found["status"], found["range"], found["type"]) == (206, f"bytes 417-420/{SIZE}", "audio/mpeg")
    assert found["part"] == [0xFF, 0xFB, 0x90, 0x00]
    assert found["seconds"] is not None


def _listed(local_cloud: MakeRun) -> set[str]:
    [(name, password), *_] = LISTENERS.items()
    signed_in = local_cloud.yoto_api.post("/api/user/login", json={"username": name, "password": password}).json()
    headers = {"Authorization": f"Bearer {signed_in['access_token']}"}
    files = local_cloud.yoto_api.get("/api/audio", params={"limit": 100}, headers=headers).json()["items"]
    return {file["filename"] for file in files}


def _mine(api: httpx.Client, signed_in: dict[str, str]) -> set[str]:
    answer = api.get("/api/users/me/nbhds", params={"limit": 100}, headers=signed_in)
    return {each["name"] for each in answer.json()["neighborhoods"]}


def _check_console(local_cloud: MakeRun) -> None:
    page = httpx.get(f"http://localhost:{local_cloud.layout.console_port}/", timeout=30, trust_env=False)
    assert page.status_code == 200
    for text in (
        *("Stock Track Record", "nbhd.city", "NbhdCity-Tasks-local", "nbhd-city-local", "sign in"),
        *("AlgoItny", "AlgoItny-Jobs-local", "algoitny_main-local"),
        *("Yoto Smart Stream", "YotoSmartStream-Transcription-local", "yoto-smart-stream-local", "first user"),
    ):
        assert text in page.text
