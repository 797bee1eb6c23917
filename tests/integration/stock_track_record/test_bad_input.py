"""Whatever a stranger sends: refused with a text and a code, never a 500, and nothing is written."""

import json
import socket
from collections.abc import Iterator

import pytest

from tests.support.api_calls import CHANNEL_ROUTES
from tests.support.bystander import KNOWN, URL, assert_refused

LONE_SURROGATE = "\\ud800"  # as JSON spells it
TEXTS_THAT_ARE_NO_NUMBER = [
    "",
    "x",
    "1.5",
    "1e2",
    "NaN",
    "Infinity",
    "-1",
    "0",
    "9" * 5_000,
    "%00",
    "%ED%A0%80",
    "null",
]


# ---- bodies --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "17",
        '"text"',
        "{",
        "not json",
        "{}",
        '{"url": null}',
        '{"url": ""}',
        '{"url": "   "}',
        '{"url": 17}',
        '{"url": true}',
        '{"url": ["https://www.youtube.com/@x"]}',
        '{"url": {"$ne": 1}}',
        '{"URL": "https://www.youtube.com/@x"}',
        '{"url": "https://www.youtube.com/@' + "x" * 101 + '"}',
        '{"url": "https://www.youtube.com/@x?' + "x" * 474 + '"}',  # 501 characters
        '{"url": "https://www.youtube.com/@a\\u0000b"}',
        '{"url": "https://www.youtube.com/@a%00b"}',
        '{"url": "https://www.youtube.com/@a%23b"}',
        '{"url": "https://www.youtube.com/@a%ff"}',
        '{"url": "https://www.youtube.com/@x?a=\\u0000"}',
        '{"url": "https://www.youtube.com/@x?a=\\n1"}',
        '{"url": "https://www.youtube.com/@x#\\u001b[31m"}',
        '{"url": "https://www.youtube.com/@x?a=\\u007f"}',
        '{"url": "https://www.youtube.com/@x/a\\rb"}',
        '{"url": "https://www.youtube.com/@' + LONE_SURROGATE + '"}',
        '{"url": "https://www.youtube.com/@x?a=' + LONE_SURROGATE + '"}',
        '{"url": "' + LONE_SURROGATE + '"}',
        '{"url": "https://user:secret@www.youtube.com/@x"}',
        '{"url": "https://www.youtube.com:443/@x"}',
        '{"url": "https://www.youtube.com.evil.example/@x"}',
        '{"url": "https://www.youtube.com\\\\@evil.example/@x"}',
        '{"url": "javascript:alert(1)//www.youtube.com/@x"}',
        '{"url": "ftp://www.youtube.com/@x"}',
        '{"url": "https://www.youtube.com/"}',
        '{"url": "https://www.youtube.com/@"}',
        '{"url": "https://www.youtube.com/@../../x"}',
        '{"url": "https://www.youtube.com/@x/../@y"}',
        '{"url": "https://www.youtube.com/c/x/%2e%2E/y"}',
        '{"url": "https://www.youtube.com/./@x"}',
        '{"url": "https://www.youtube.com/@x/y\\\\..\\\\..\\\\@z"}',
        '{"url": "https://www.youtube.com/@..."}',
        '{"url": "https://www.youtube.com/user/-_."}',
        '{"url": "https://www.youtube.com/watch?v=abc"}',
        *(
            '{"url": "https://www.youtube.com/@x", "time_range_months": ' + value + "}"
            for value in (
                "0", "37", "-1", "6.0", "6.5",
                '"0"', '"37"', '"06"', '" 6"', '"6.0"', '"1e1"', '"٦"', '""', "true",
                "null", "[]", "{}", "1e400", "NaN", "-Infinity", "9" * 30,
                "9" * 5_000,
            )
        ),
        b'{"url": "https://www.youtube.com/@\xff"}',
        b"\xff\xfe{}",
        b"\x00",
        "[" * 16_000,
        '{"url":' * 2_000,
    ],
)  # fmt: skip
def test_a_bad_body_is_refused(bystander, body):
    answer = bystander.post_body(body)

    assert_refused(answer, 400, 422)
    assert answer.json()["code"] in {"validation_error", "bad_request"}


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_body_that_is_not_said_to_be_json_is_refused(bystander, content_type):
    answer = bystander.post_body(json.dumps({"url": f"{URL}2"}), **{"Content-Type": content_type})

    assert_refused(answer, 400, 422)


def test_a_refusal_names_the_field_and_repeats_nothing_of_the_input(bystander):
    answer = bystander.post_body('{"url": 17, "time_range_months": "<script>"}')

    assert_refused(answer, 422)
    assert [error["loc"] for error in answer.json()["errors"]] == [["body", "url"], ["body", "time_range_months"]]
    assert "url" in answer.json()["detail"]
    assert "<script>" not in answer.text


def test_a_body_above_16_kib_is_too_large_wherever_it_is_sent(bystander):
    body = json.dumps({"url": f"{URL}2", "more": "x" * 17 * 1024}).encode()

    for path in ("/api/channels", f"/api/channels/{KNOWN}/process", f"/api/channels/{KNOWN}/backfill-prices"):
        answer = bystander.request("POST", path, content=body, headers={"Content-Type": "application/json"})
        assert_refused(answer, 413)
        assert answer.json()["code"] == "payload_too_large"


def test_a_large_body_that_does_not_announce_itself_is_too_large(bystander):
    def pieces() -> Iterator[bytes]:
        yield b'{"url": "'
        for _ in range(17):
            yield b"x" * 1024

    answer = bystander.request("POST", "/api/channels", content=pieces(), headers={"Content-Type": "application/json"})

    assert_refused(answer, 413)


def test_fields_nobody_knows_are_ignored_but_do_not_help(bystander):
    answer = bystander.post_body(json.dumps({"url": URL, "status": "completed", "id": "x", "PK": "ACTIVE"}))

    assert_refused(answer, 400)
    assert answer.json()["code"] == "channel_exists"


# ---- query strings -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", TEXTS_THAT_ARE_NO_NUMBER)
@pytest.mark.parametrize(
    "path",
    [
        "/api/channels?page=",
        "/api/channels?per_page=",
        f"/api/channels/{KNOWN}/logs?limit=",
        f"/api/channels/{KNOWN}/timeline?limit=",
    ],
)
def test_a_number_out_of_bounds_is_refused(bystander, path, text):
    assert_refused(bystander.request("GET", path + text), 422)


@pytest.mark.parametrize(
    "path",
    [
        "/api/channels?per_page=101",
        f"/api/channels/{KNOWN}/logs?limit=1001",
        f"/api/channels/{KNOWN}/timeline?limit=2001",
    ],
)
def test_more_than_a_list_gives_at_once_is_refused(bystander, path):
    assert_refused(bystander.request("GET", path), 422)


@pytest.mark.parametrize("page", ["99999999999999999999", "9" * 4_000])
def test_a_page_far_beyond_the_end_is_empty(bystander, page):
    answer = bystander.request("GET", f"/api/channels?page={page}&per_page=100")

    assert answer.status_code == 200, answer.text
    assert answer.json()["items"] == []


@pytest.mark.parametrize(
    "since",
    [
        "", "yesterday", "2025-01", "2025-01-15T", "2025-02-30T00:00:00Z", "2025-01-15T25:00:00Z",
        "2025-01-15T08:30:00+99:99", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
        "%00", "2025-01-15T08:30:00Z%00", "2025-01-15T08:30:00Z%23", "%ED%A0%80", "x" * 4_000,
        "%D9%A2%D9%A0%D9%A2%D9%A5-01-15T08:30:00Z",
    ],
)  # fmt: skip
def test_a_since_that_is_no_time_is_refused(bystander, since):
    assert_refused(bystander.request("GET", f"/api/channels/{KNOWN}/logs?since={since}"), 422)


@pytest.mark.parametrize("force", ["", "2", "maybe", "%00", "%ED%A0%80", "x" * 4_000])
def test_a_force_that_is_no_truth_value_is_refused(bystander, force):
    assert_refused(bystander.request("POST", f"/api/channels/{KNOWN}/backfill-prices?force={force}"), 422)


# ---- ids and tickers in paths --------------------------------------------------------------------------------------

BAD_IDS = [
    "a%23b", "%23", "CHANNEL%23x", "%00", "a%0Ab", "a%7Fb", "%ED%A0%80", "%F0%9F%98%80", "%C3%A9", "a%20b", "a+b",
    "%25", "..%2F..%2Fhealth", "x" * 64, "x" * 65, "x" * 4_000, "a_b", "*", "COUNTER", "ACTIVE", "unknown",
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), CHANNEL_ROUTES)
def test_an_id_that_cannot_exist_is_not_found(bystander, method, path):
    for channel_id in BAD_IDS:
        assert_refused(bystander.request(method, f"/api/channels/{channel_id}{path}"), 404)


def test_a_key_smuggled_into_an_id_reaches_no_other_item(bystander):
    real = bystander.channel_id

    for channel_id in (f"{real}%23x", f"x%23CHANNEL%23{real}", f"%20{real}", f"{real}%20", f"{real}%00"):
        assert_refused(bystander.request("GET", f"/api/channels/{channel_id}"), 404)
        assert_refused(bystander.request("DELETE", f"/api/channels/{channel_id}"), 404)
    assert_refused(bystander.request("GET", f"/api/channels/{real.upper()}"), 404)


BAD_TICKERS = [
    "A" * 40, "a" * 4_000, "%23", "A%23B", "NVDA%23", "%20", "%ED%A0%80", "%F0%9F%98%80",
    "%C3%9F", "7203", "HO.PA", "BTC-USD", "GOOGLE", "..", "%2E%2E", "$", "NYSE:", "%25", "__proto__",
    "MENTION%23",
]  # fmt: skip


@pytest.mark.parametrize("ticker", [ticker for ticker in BAD_TICKERS if ticker not in ("..", "%2E%2E")])
def test_a_ticker_that_cannot_exist_has_no_mentions(bystander, ticker):
    answer = bystander.request("GET", f"/api/channels/{KNOWN}/stocks/{ticker}")

    assert answer.status_code == 200, answer.text
    assert answer.json()["mentions"] == []
    assert isinstance(answer.json()["ticker"], str)


@pytest.mark.parametrize("ticker", [ticker for ticker in BAD_TICKERS if ticker not in ("..", "%2E%2E")])
def test_the_price_of_a_ticker_that_cannot_exist_is_an_error_value_that_costs_nothing(bystander, ticker):
    before = bystander.app.usage.calls.get("GetItem", 0)

    answer = bystander.request("GET", f"/api/stocks/{ticker}/price")

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["price"], body["updated_at"]) == (None, None)
    assert isinstance(body["error"], str)
    assert len(body["ticker"]) <= 40
    assert bystander.app.usage.calls.get("GetItem", 0) == before
    assert bystander.app.world.calls("finnhub") == bystander.app.world.calls("yahoo") == ()


@pytest.mark.parametrize("ticker", ["", "A%2FB", "..", "%2E%2E", "%00", "A%00", "A%0AB", "a%7F"])
def test_a_ticker_that_leads_to_another_path_is_not_found(bystander, ticker):
    for path in (f"/api/channels/{KNOWN}/stocks/{ticker}", f"/api/stocks/{ticker}/price"):
        answer = bystander.request("GET", path)
        if answer.status_code != 200:
            assert_refused(answer, 404, 405)


# ---- methods, paths, raw bytes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api", 404),
        ("GET", "/api/", 404),
        ("GET", "/api/channels/", 404),
        ("GET", f"/api/channels/{KNOWN}/", 404),
        ("GET", "/api/stocks//price", 404),
        ("GET", "/API/CHANNELS", 404),
        ("PUT", "/api/channels", 405),
        ("PATCH", f"/api/channels/{KNOWN}", 405),
        ("DELETE", "/api/channels", 405),
        ("DELETE", f"/api/channels/{KNOWN}/logs", 405),
        ("GET", f"/api/channels/{KNOWN}/process", 405),
        ("POST", "/health", 405),
        ("TRACE", "/api/channels", 405),
    ],
)
def test_a_path_or_method_that_does_not_exist_is_refused(bystander, method, path, status):
    assert_refused(bystander.request(method, path), status)


@pytest.mark.parametrize(
    "target",
    [
        b"/api/channels/a#b",
        b"/api/channels/#",
        b"/api/stocks/A#B/price",
        b"/api/channels?cursor=a#b",
        b"/api/channels/%",
    ],
)
def test_a_request_line_with_a_number_sign_does_no_harm(bystander, target):
    before = bystander.state()
    port = bystander.app.api.base_url.port
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece

    assert answer.split(b" ")[1] in (b"200", b"400", b"404"), answer
    assert bystander.state() == before
