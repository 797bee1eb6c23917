import socket
import subprocess
import sys
from time import monotonic, sleep

import httpx
import pytest

from cdk_app.local.outside_services import STAND_INS
from cdk_app.services.registry import VIDEOS_AND_PRICES
from tests.support import loopback


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes]) -> httpx.Response:
    deadline = monotonic() + 20
    while monotonic() < deadline:
        assert process.poll() is None, "the stand-ins ended by themselves"
        try:
            return httpx.get(url, timeout=5)
        except httpx.ConnectError:
            sleep(0.05)
    raise TimeoutError(url)


def test_one_process_serves_all_five_below_their_base_urls_and_ends_when_told():
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "cdk_app.services.stand_ins", VIDEOS_AND_PRICES.application, "--port", str(port)]
    )
    try:
        urls = VIDEOS_AND_PRICES.variables(f"http://127.0.0.1:{port}")
        assert wait_for(f"http://127.0.0.1:{port}/", process).json() == {"standins": VIDEOS_AND_PRICES.variables("")}
        refusals = {
            "YOUTUBE_API_BASE_URL": httpx.get(urls["YOUTUBE_API_BASE_URL"] + "/channels"),
            "GEMINI_API_BASE_URL": httpx.post(urls["GEMINI_API_BASE_URL"] + "/models/gemini-x:generateContent"),
            "FINNHUB_API_BASE_URL": httpx.get(urls["FINNHUB_API_BASE_URL"] + "/quote"),
            "YAHOO_API_BASE_URL": httpx.get(urls["YAHOO_API_BASE_URL"] + "/v8/finance/chart/AAPL"),
            "ALPHA_VANTAGE_API_BASE_URL": httpx.get(urls["ALPHA_VANTAGE_API_BASE_URL"] + "/query"),
        }
        assert {name: answer.status_code for name, answer in refusals.items()} == {
            "YOUTUBE_API_BASE_URL": 403,
            "GEMINI_API_BASE_URL": 403,
            "FINNHUB_API_BASE_URL": 401,
            "YAHOO_API_BASE_URL": 429,
            "ALPHA_VANTAGE_API_BASE_URL": 200,
        }
    finally:
        process.terminate()
        process.wait(10)
    assert process.returncode in (0, -15)  # uvicorn shuts down, then raises the signal again for its parent to see


@pytest.mark.parametrize("stand_in", STAND_INS, ids=lambda stand_in: stand_in.name)
def test_a_name_that_was_bent_to_this_machine_is_refused_by_each_of_them(stand_in):
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "cdk_app.services.stand_ins", stand_in.application, "--port", str(port)]
    )
    try:
        own = wait_for(f"http://127.0.0.1:{port}/", process)
        with loopback.client(f"http://127.0.0.1:{port}") as client:
            hosts = ("evil.example", f"localhost.evil.example:{port}", f"0.0.0.0:{port}", f"localhost:{port}")
            answers = [client.get("/", headers={"host": host}) for host in hosts]
    finally:
        process.terminate()
        process.wait(10)
    assert [answer.status_code for answer in answers] == [400, 400, 400, 200]
    assert answers[3].json() == own.json()
