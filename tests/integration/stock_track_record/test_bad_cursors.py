"""Cursors that were changed, forged or taken from another list."""

import pytest

from tests.support.bystander import KNOWN, assert_refused, cursor

POSITION = {"c": "2025-01-15T08:30:00.123Z", "i": "f3f6c1a1-0000-4000-8000-000000000000"}


SPOILED = [
    "",
    "abc",
    "====",
    "%00",
    "%ED%A0%80",
    "%F0%9F%98%80",
    "a b",
    "x" * 2_048,
    "x" * 2_049,
    "x" * 8_000,
    cursor(POSITION).partition(".")[0],
    cursor(POSITION).partition(".")[0] + ".",
    cursor(POSITION, key="another key of sufficient length"),
    cursor(POSITION, scope="timeline"),
    cursor(POSITION, scope="another"),
    cursor(POSITION, scope="timeline:another"),
    cursor(POSITION) + "=",
    cursor(POSITION) + "A",
    cursor(POSITION)[:-1],
    cursor(POSITION)[::-1],
    "A" + cursor(POSITION)[1:],
    cursor({}),
    cursor({"c": "yesterday", "i": POSITION["i"]}),
    cursor({"c": POSITION["c"], "i": "a#b"}),
    cursor({"c": POSITION["c"]}),
]


# by their number: a cursor says when it was made, and so differs from process to process
@pytest.mark.parametrize("text", SPOILED, ids=range(len(SPOILED)))
def test_a_cursor_that_is_not_of_this_list_is_refused_before_the_table_is_asked(bystander, text):
    for path in ("/api/channels", f"/api/channels/{KNOWN}/timeline"):
        before = bystander.app.usage.calls.get("Query", 0)

        answer = bystander.request("GET", f"{path}?cursor={text}")

        assert_refused(answer, 400)
        assert answer.json()["code"] == "invalid_cursor"
        assert bystander.app.usage.calls.get("Query", 0) == before


def test_every_changed_character_of_a_cursor_spoils_it(bystander):
    good = bystander.request("GET", "/api/channels?per_page=1").json()["next_cursor"]
    assert bystander.request("GET", f"/api/channels?per_page=1&cursor={good}").status_code == 200

    for place in range(len(good)):
        changed = good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :]
        assert_refused(bystander.app.api.get(f"/api/channels?per_page=1&cursor={changed}"), 400)


def test_the_timeline_cursor_of_another_channel_is_refused(bystander):
    foreign = cursor({"c": "2025-01-15", "i": "video"}, scope="timeline:another-channel")

    answer = bystander.request("GET", f"/api/channels/{KNOWN}/timeline?cursor={foreign}")

    assert_refused(answer, 400)
