"""The console as a person sees it: Debian's Chromium, a real emulator, a real DynamoDB Local."""

import json
import re
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from cdk_app.local.console.log_tail import FRESH_FOR_SECONDS
from tests.integration.console.conftest import EVIL, PARTITION, PHONE, RunningConsole

LIVE_MILLISECONDS = 10_000  # a poll a second; the rest is for a busy machine


def test_the_overview_shows_services_queues_tables_and_functions(console: RunningConsole, page: Page):
    page.goto(console.url)
    expect(page.get_by_role("link", name="http://localhost:8001")).to_be_visible()
    expect(page.get_by_role("link", name="docs")).to_have_attribute("href", "http://localhost:8001/docs")
    expect(page.get_by_role("row", name=re.compile(r"^Work \d"))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile(rf"^{console.table} 61 "))).to_be_visible()
    expect(page.get_by_role("row", name="Console Test Api python3.13 256 MB 10 s")).to_be_visible()


def test_a_request_appears_with_its_figures_while_one_looks(console: RunningConsole, page: Page):
    page.goto(console.url)
    route = f"/api/things/{uuid4().hex}"
    console.serve_request(
        route, correlation_id="request-1", milliseconds=12.5, dynamodb_requests=2, read_units=1.5, write_units=3
    )
    row = page.locator("table.log tr", has_text=route)
    expect(row).to_be_visible(timeout=LIVE_MILLISECONDS)
    expect(row.locator("td").first).to_have_text(re.compile(r"^\d\d:\d\d:\d\d\.\d{3}$"))
    cells = row.locator("td").all_inner_texts()[1:]
    assert cells == ["Console Test Api", f"GET {route}", "200", "12.5", "2", "1.5", "3", "request-"]
    page.wait_for_timeout(2500)  # two polls later it is still there once
    expect(row).to_have_count(1)
    expect(page.get_by_role("status")).to_have_text("live")


def test_a_pause_holds_the_log_still(console: RunningConsole, page: Page):
    page.goto(f"{console.url}/log")
    page.get_by_role("button", name="Pause").click()
    route = f"/api/paused/{uuid4().hex}"
    console.serve_request(route, correlation_id="request-2")
    page.wait_for_timeout(2500)
    row = page.locator("table.log tr", has_text=route)
    expect(row).to_have_count(0)
    page.get_by_role("button", name="Continue").click()
    expect(row).to_be_visible(timeout=LIVE_MILLISECONDS)


def test_a_correlation_id_leads_to_all_work_of_that_request(console: RunningConsole, page: Page):
    correlation_id = uuid4().hex
    console.serve_request("/api/mine", correlation_id=correlation_id)
    console.run_function(
        {"message": "message handled", "kind": "video", "outcome": "done", "correlation_id": correlation_id}
    )
    console.serve_request("/api/other", correlation_id="somebody-else")
    page.goto(f"{console.url}/log")
    page.locator("tr", has_text="/api/mine").get_by_role("link", name=correlation_id[:8]).first.click()
    rows = page.locator("table.log tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("video")
    expect(rows.nth(1)).to_contain_text("/api/mine")


def test_an_id_from_an_answer_is_searched_for(console: RunningConsole, page: Page):
    correlation_id = uuid4().hex
    console.serve_request("/api/searched", correlation_id=correlation_id)
    console.run_function({"message": "a plain line", "level": "ERROR", "correlation_id": correlation_id})
    console.serve_request("/api/other", correlation_id="somebody-else")
    page.goto(f"{console.url}/log")
    page.get_by_label("Correlation id").fill(f" {correlation_id} ")
    page.get_by_role("button", name="Show").click()
    rows = page.locator("table.log tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("a plain line")
    expect(rows.nth(1)).to_contain_text("/api/searched")
    expect(page.get_by_label("Correlation id")).to_have_value(correlation_id)


def test_every_line_shows_what_requests_and_messages_leave_out(console: RunningConsole, page: Page):
    text = f"a plain line {uuid4().hex}"
    console.run_function(text)
    page.goto(f"{console.url}/log")
    expect(page.get_by_text(text)).to_have_count(0)
    page.get_by_role("link", name="Every line").click()
    expect(page.get_by_text(text)).to_be_visible()
    expect(page.get_by_text("START RequestId:").first).to_be_visible()


def test_text_from_the_internet_stays_text_in_log_and_items(console: RunningConsole, page: Page):
    console.run_function({"message": EVIL, "level": "ERROR", "provider": EVIL, "exception": EVIL})
    page.goto(f"{console.url}/log")
    expect(page.locator("tr", has_text=EVIL).first).to_be_visible()
    page.goto(f"{console.url}/tables/{console.table}?partition=CHANNEL%231&sort=CHANNEL")
    expect(page.locator("summary", has_text=EVIL)).to_be_visible()
    assert page.locator("img").count() == 0
    assert "taken" not in page.title()


def test_the_policy_runs_no_inline_script_even_if_one_got_into_the_page(console: RunningConsole, browser: Browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{console.url}/log")
    page.evaluate(
        "html => document.querySelector('main').insertAdjacentHTML('beforeend', html)",
        "<img src=x onerror=\"document.title='taken'\">",
    )
    page.wait_for_timeout(500)
    assert "taken" not in page.title()
    context.close()


def test_a_table_is_browsed_from_item_to_partition_to_index(console: RunningConsole, page: Page):
    page.goto(f"{console.url}/tables")
    page.get_by_role("link", name=console.table).click()
    page.get_by_label("Partition").fill(PARTITION)
    page.get_by_label("Sort key begins with").fill("CHANNEL#")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("details.item")).to_have_count(1)
    page.locator("summary").click()
    page.get_by_role("link", name="CHANNELS", exact=True).click()
    expect(page.get_by_role("combobox")).to_have_value("GSI1-index")
    expect(page.locator("details.item")).to_have_count(1)


def test_the_pages_of_a_partition_follow_each_other_to_its_end(console: RunningConsole, page: Page):
    page.goto(f"{console.url}/tables/{console.table}?partition=CHANNEL%231&sort=VIDEO%23")
    seen = page.locator("summary b").all_inner_texts()
    for _ in range(2):
        page.get_by_role("link", name="Next page").click()
        page.wait_for_load_state()
        seen += page.locator("summary b").all_inner_texts()
    assert seen == [f"VIDEO#{number:03}" for number in range(60)]
    expect(page.get_by_role("link", name="Next page")).to_have_count(0)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("index=GSI9", "There is no index GSI9"),
        ("sort=VIDEO", "only be looked for inside a partition"),
        ("start=broken", "The link to this page of items is broken"),
        ("start=eyJYIjpbIlMiLCJ5Il19", "start key"),  # {"X":["S","y"]}: a key of another table
    ],
)
def test_what_cannot_be_asked_is_explained(console: RunningConsole, browser: Browser, query: str, reason: str):
    context = browser.new_context()
    page = context.new_page()
    answer = page.goto(f"{console.url}/tables/{console.table}?{query}")
    assert answer is not None
    assert answer.status == 400
    expect(page.get_by_role("alert")).to_contain_text(re.compile(reason, re.IGNORECASE))
    context.close()


def test_a_dead_letter_is_shown_with_its_reason_and_left_where_it_is(console: RunningConsole, page: Page):
    queues = console.cloud.session.client("sqs", endpoint_url=console.cloud.url)
    page.goto(console.url)
    queues.send_message(
        QueueUrl=console.dead_letter_url,
        MessageBody=json.dumps({"kind": "video", "title": EVIL}),
        MessageAttributes={
            "reason": {"DataType": "String", "StringValue": "upstream_failed: no answer"},
            "correlation_id": {"DataType": "String", "StringValue": "request-3"},
        },
    )
    letters = page.locator("tr", has_text="Work").get_by_role("link")
    expect(letters).to_have_text("1", timeout=LIVE_MILLISECONDS)
    letters.click()
    for _ in range(2):
        expect(page.get_by_text("upstream_failed: no answer")).to_be_visible()
        expect(page.locator("pre")).to_contain_text(EVIL.replace('"', '\\"'))
        page.reload()
    attributes = queues.get_queue_attributes(QueueUrl=console.dead_letter_url, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessages"] == "1"
    assert attributes["ApproximateNumberOfMessagesNotVisible"] == "0"
    queues.purge_queue(QueueUrl=console.dead_letter_url)


@pytest.mark.parametrize("path", ["/", "/log?show=all", "/tables", "/tables/{table}", "/queues/Work-dlq"])
def test_every_page_fits_a_phone(console: RunningConsole, browser: Browser, path: str):
    console.run_function({"message": "request served", "method": "GET", "route": "/" + "long" * 60, "status": 200})
    context = browser.new_context(viewport=PHONE)
    page = context.new_page()
    page.goto(console.url + path.format(table=console.table))
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    hidden = page.evaluate(
        "[...document.querySelectorAll('.scroll')].filter(box => box.scrollWidth > box.clientWidth).length"
    )
    assert hidden == 0
    context.close()


def test_everything_but_the_live_part_works_without_javascript(console: RunningConsole, browser: Browser):
    route = f"/api/plain/{uuid4().hex}"
    console.serve_request(route, correlation_id="request-4")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.wait_for_timeout(FRESH_FOR_SECONDS * 1000)  # nothing will bring the page up to date later
    page.goto(console.url)
    expect(page.get_by_text(route)).to_be_visible()
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
    page.get_by_role("link", name=console.table).click()
    page.locator("summary").first.click()
    expect(page.locator("dl").first).to_be_visible()
    context.close()


def test_the_page_says_that_the_console_is_gone_and_recovers(console: RunningConsole, browser: Browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto(console.url)
    context.set_offline(True)
    expect(page.get_by_role("status")).to_have_text("no connection, trying again", timeout=LIVE_MILLISECONDS)
    context.set_offline(False)
    expect(page.get_by_role("status")).to_have_text("live", timeout=LIVE_MILLISECONDS)
    context.close()
