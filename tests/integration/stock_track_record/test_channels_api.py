"""Channels over HTTP: add, list, read, run again, cancel."""

from functools import partial

import pytest

from tests.support.api_calls import NOW, URL, add_five, at_the_same_time, calls_of, completed, refused_with
from tests.support.stock_track_record import TestClock

# ---- create --------------------------------------------------------------------------------------------------------


def test_a_new_channel_is_answered_as_the_client_knows_it(new_app):
    app = new_app()

    answer = app.api.post("/api/channels", json={"url": URL})

    body = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/channels/{body['id']}"
    assert body == {
        "id": body["id"],
        "youtube_channel_id": "handle:testchannel",
        "name": "TestChannel",
        "url": URL,
        "thumbnail_url": None,
        "status": "pending",
        "video_count": 0,
        "processed_video_count": 0,
        "time_range_months": 12,
        "created_at": NOW,
        "updated_at": NOW,
    }
    assert app.channel(body["id"]) == body


def test_a_new_channel_is_five_items_and_one_message(new_app):
    app = new_app()

    channel_id, calls = calls_of(app, lambda: app.add(URL, time_range_months=6))

    items = {item["entity_type"]: item for item in app.items()}
    assert len(app.items()) == len(items) == 5
    channel, claim, run = items["Channel"], items["UniqueClaim"], items["ActiveRun"]
    assert channel["PK"] == channel["SK"] == f"CHANNEL#{channel_id}"
    assert (channel["GSI1PK"], channel["GSI1SK"]) == ("CHANNELS", NOW)
    assert channel["GSI2PK"] == "YT#handle:testchannel"
    assert (claim["PK"], claim["channel_id"]) == ("UNIQUE#YT#handle:testchannel", channel_id)
    assert items["Counter"]["value"] == 1
    assert (run["PK"], run["SK"], run["run_id"]) == ("ACTIVE", f"RUN#{channel_id}", channel["run_id"])
    assert items["ProcessingLog"]["PK"] == f"CHANNEL#{channel_id}"
    assert "queued" in items["ProcessingLog"]["message"]
    [message] = app.queue.every
    assert message.content == {"v": 1, "type": "channel", "channel_id": channel_id, "run_id": channel["run_id"]}
    assert calls == {"TransactWriteItems": 1}


def test_of_twenty_creations_at_once_one_wins(new_app):
    app = new_app()
    urls = [URL, "https://www.youtube.com/@testchannel", "https://www.youtube.com/@TestChannel/videos"]

    answers = at_the_same_time([partial(app.api.post, "/api/channels", json={"url": urls[n % 3]}) for n in range(20)])

    assert sorted(answer.status_code for answer in answers) == [201] + [400] * 19
    refusals = [answer for answer in answers if answer.status_code == 400]
    assert all(refused_with(answer, 400, "channel_exists") for answer in refusals)
    assert {answer.json()["detail"] for answer in refusals} == {"Channel already exists"}
    [counter] = app.items_of("Counter")
    assert counter["value"] == 1
    assert len(app.items_of("Channel")) == len(app.items_of("ProcessingLog")) == len(app.queue.every) == 1


def test_different_channels_created_at_once_are_all_counted(new_app):
    app = new_app()

    answers = at_the_same_time(
        [partial(app.api.post, "/api/channels", json={"url": f"https://youtube.com/@c{n}"}) for n in range(8)]
    )

    added = [answer for answer in answers if answer.status_code == 201]
    assert all(refused_with(answer, 503, "busy") for answer in answers if answer.status_code != 201)
    assert len(added) >= 6  # all change one counter; who loses every round is told to come again
    assert app.api.get("/api/channels").json()["total"] == len(added) == len(app.items_of("Channel"))


def test_the_list_takes_as_many_channels_as_it_may(new_app):
    app = new_app(max_channels=2)
    app.add("https://www.youtube.com/@one")
    app.add("https://www.youtube.com/@two")

    refusal = app.api.post("/api/channels", json={"url": "https://www.youtube.com/@three"})

    assert refused_with(refusal, 400, "channel_limit")
    assert len(app.items_of("UniqueClaim")) == len(app.queue.every) == 2


@pytest.mark.parametrize(
    "body",
    [
        {"url": "https://www.google.com/search"},
        {"url": "https://evil.example/?u=youtube.com/@x"},
        {"url": URL, "time_range_months": 37},
    ],
)
def test_an_address_or_range_out_of_bounds_is_refused_with_a_text(new_app, body):
    app = new_app()

    refusal = app.api.post("/api/channels", json=body)

    assert refused_with(refusal, 422, "validation_error")
    assert app.items() == []
    assert app.queue.every == []


# ---- a queue that is away ------------------------------------------------------------------------------------------


def test_a_channel_added_while_the_queue_is_away_is_sent_by_the_sweep(new_app):
    clock = TestClock()
    app = new_app(clock=clock)
    app.queue.is_down = True
    channel_id = app.add(URL)
    assert app.channel(channel_id)["status"] == "pending"
    app.queue.is_down = False

    clock.forward(minutes=1, seconds=59)
    app.sweep()
    assert app.queue.every == []

    clock.forward(seconds=1)
    app.sweep()
    [message] = app.queue.of_type("channel")
    assert message.content["channel_id"] == channel_id
    assert message.content["run_id"] == app.items_of("Channel")[0]["run_id"]

    app.sweep()
    assert len(app.queue.every) == 1, "the message is on its way; it is not sent at every sweep"


def test_a_run_asked_for_while_the_queue_is_away_is_sent_by_the_sweep(new_app):
    clock = TestClock()
    app, channel_id = completed(new_app, clock)
    sent = len(app.queue.of_type("channel"))
    app.queue.is_down = True
    assert app.api.post(f"/api/channels/{channel_id}/process").status_code == 200
    app.queue.is_down = False

    clock.forward(minutes=2)
    app.sweep()
    assert len(app.queue.of_type("channel")) == sent + 1

    app.drain()
    assert app.channel(channel_id)["status"] == "completed"


def test_a_deletion_while_the_queue_is_away_is_sent_by_the_sweep(new_app):
    app = new_app()
    channel_id = app.add(URL)
    app.drain()
    app.queue.is_down = True
    assert app.api.delete(f"/api/channels/{channel_id}").status_code == 204
    app.queue.is_down = False

    app.sweep()

    assert app.queue.of_type("purge")
    app.drain()
    assert [item["entity_type"] for item in app.items()] == ["Counter"]


# ---- list ----------------------------------------------------------------------------------------------------------


def test_a_page_of_the_list_holds_the_newest_channels(new_app):
    clock = TestClock()
    app = new_app(clock=clock)
    newest_first = add_five(app, clock)

    page, calls = calls_of(app, lambda: app.api.get("/api/channels?page=1&per_page=2").json())

    assert [item["id"] for item in page["items"]] == newest_first[:2]
    assert page["items"][0] == app.channel(newest_first[0])
    assert (page["total"], page["page"], page["per_page"]) == (5, 1, 2)
    assert page["next_cursor"]
    assert calls == {"GetItem": 1, "Query": 1}


def test_pages_by_number_show_every_channel_once(new_app):
    clock = TestClock()
    app = new_app(clock=clock)
    newest_first = add_five(app, clock)

    pages = [app.api.get(f"/api/channels?page={number}&per_page=2").json() for number in (1, 2, 3)]

    assert [item["id"] for page in pages for item in page["items"]] == newest_first
    assert [page["next_cursor"] is None for page in pages] == [False, False, True]


def test_a_page_past_the_end_is_empty_and_costs_no_query(new_app):
    clock = TestClock()
    app = new_app(clock=clock)
    add_five(app, clock)

    page, calls = calls_of(app, lambda: app.api.get("/api/channels?page=4&per_page=2").json())

    assert page == {"items": [], "total": 5, "page": 4, "per_page": 2, "next_cursor": None}
    assert calls == {"GetItem": 1}


def test_cursors_lead_to_every_channel_once_though_another_is_added_meanwhile(new_app):
    clock = TestClock()
    app = new_app(clock=clock)
    newest_first = add_five(app, clock)

    seen: list[str] = []
    parameters: dict[str, str] = {}
    for turn in range(3):
        page = app.api.get("/api/channels?per_page=2", params={"per_page": 2} | parameters).json()
        seen += [item["id"] for item in page["items"]]
        parameters = {"cursor": page["next_cursor"]}
        if turn == 0:
            clock.forward(seconds=1)
            app.add("https://www.youtube.com/@sixth")

    assert seen == newest_first
    assert parameters == {"cursor": None}


def test_channels_of_one_millisecond_are_all_listed_by_cursors(new_app):
    app = new_app()
    ids = {app.add(f"https://www.youtube.com/@channel{number}") for number in range(5)}

    seen = []
    parameters: dict[str, str | int] = {"per_page": 1}
    for _ in ids:
        page = app.api.get("/api/channels", params=parameters).json()
        seen += [item["id"] for item in page["items"]]
        parameters["cursor"] = page["next_cursor"]

    assert len(seen) == 5
    assert set(seen) == ids
    assert parameters["cursor"] is None


def test_a_made_up_cursor_is_refused_without_a_request_to_the_table(new_app):
    app = new_app()

    refusal, calls = calls_of(app, lambda: app.api.get("/api/channels?cursor=abc"))

    assert refused_with(refusal, 400, "invalid_cursor")
    assert calls == {}


def test_an_empty_list_is_answered_before_anything_was_ever_added(new_app):
    app = new_app()

    page = app.api.get("/api/channels?page=1&per_page=20").json()

    assert page == {"items": [], "total": 0, "page": 1, "per_page": 20, "next_cursor": None}


def test_the_api_connects_anew_after_its_connections_were_closed_for_a_snapshot(new_app):
    app = new_app()
    channel_id = app.add(URL)
    app.resources.client.close()
    assert app.channel(channel_id)["id"] == channel_id


@pytest.mark.parametrize("months", ["6", "36", "1"])
def test_a_number_may_come_as_the_text_of_a_form(new_app, months):
    created = new_app().api.post("/api/channels", json={"url": URL, "time_range_months": months})
    assert (created.status_code, created.json()["time_range_months"]) == (201, int(months))
