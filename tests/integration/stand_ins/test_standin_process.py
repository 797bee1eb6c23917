import socket
import subprocess
import sys
from time import monotonic, sleep

import httpx

from cdk_app.services.registry import VIDEOS_AND_PRICES


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
