"""Workers that die over an upload, and workers that meet over one: what is there in the end is as if there were one."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.models import Transcript
from lambda_src.services.yoto_smart_stream.uploads.finalizing import Purger
from tests.support.played import Sent
from tests.support.stepping import Killed, Steps, kill_before_step
from tests.support.yoto_smart_stream import Json
from tests.support.yoto_uploads import MP3, OTHER_MP3, PDF, Studio

NEW = ["GetItem", "head", "read_range", "GetItem", "download", "copy", "GetItem", "TransactWriteItems"]
END = ["send transcribe", "delete_several"]
REPLACED = [*NEW, "send purge", "send transcribe", "send cancel", "delete_several"]  # the first one was in flight


def settle(studio: Studio) -> None:
    """What the sweep does for purges whose message was lost, and what their messages do."""
    studio.house.queue.take()
    purger = Purger(studio.house.store, studio.objects, studio.clock)
    for job in studio.jobs("purge"):
        purger.purge(job["job_id"])


def prepared(studio: Studio, *, replace: bool) -> tuple[Json, set[str]]:
    """An upload that waits for its worker, and the keys of media that were there before."""
    john, before = studio.house.user("john"), studio.keys(tables.MEDIA)
    if replace:
        studio.brought(john, "a.mp3", OTHER_MP3)
        studio.house.put_items(tables.TRANSCRIPT.item(Transcript("a.mp3", "once")))
        studio.house.queue.take()
    ticket = studio.ticket(john, "a.mp3", replace=replace)
    assert studio.upload(ticket).status_code == 204
    return ticket, before


def check_taken(studio: Studio, ticket: Json, before: set[str], *, replaced: bool) -> None:
    stored = studio.house.stored_file("a.mp3")
    assert stored is not None
    assert studio.content(stored["object_key"]) == MP3
    assert (stored["etag"], stored["size"]) == (studio.objects.head(stored["object_key"]).tag, len(MP3))
    intent = studio.house.item(tables.UPLOAD.key(upload_id=ticket["upload_id"]))
    assert intent is not None
    assert intent["upload_state"] == "completed"
    assert stored["transcript_request_id"] in {job["job_id"] for job in studio.jobs("transcribe")}
    assert len(studio.jobs("transcribe")) == 1 + replaced
    assert len(studio.jobs("purge")) == replaced
    settle(studio)
    assert studio.keys(tables.MEDIA) - before == {stored["object_key"]}
    assert not studio.uploaded(ticket)
    assert studio.house.item(tables.TRANSCRIPT.key(filename="a.mp3")) is None
    assert all(job["job_state"] == "done" for job in studio.jobs("purge"))


@pytest.mark.parametrize(("replace", "steps"), [(False, [*NEW, *END]), (True, REPLACED)])
def test_the_steps_of_an_upload(new_studio, replace, steps):
    studio = new_studio()
    ticket, before = prepared(studio, replace=replace)
    taken = Steps()

    with studio.stepped_worker(taken) as worker:
        assert studio.announce(ticket, worker=worker) == []

    assert taken.names == steps
    check_taken(studio, ticket, before, replaced=replace)


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("nth", range(1, 13))
def test_an_upload_whose_worker_dies_before_any_of_its_steps_is_taken_by_the_next(new_studio, nth, replace):
    studio = new_studio()
    ticket, before = prepared(studio, replace=replace)

    with studio.stepped_worker(Steps(kill_before_step(nth))) as worker:
        if nth <= len(NEW + END) + 2 * replace:
            with pytest.raises(Killed):
                studio.announce(ticket, worker=worker)
        else:
            assert studio.announce(ticket, worker=worker) == []
    assert studio.announce(ticket, receive_count=2) == []

    check_taken(studio, ticket, before, replaced=replace)


@pytest.mark.parametrize("reason", ["not_audio", "filename_taken", "taken after the copy"])
@pytest.mark.parametrize("nth", range(1, 14))
def test_a_rejection_whose_worker_dies_is_the_same_in_the_end(new_studio, nth, reason):
    studio = new_studio()
    john = studio.house.user("john")
    ticket = studio.ticket(john)
    assert studio.upload(ticket, PDF if reason == "not_audio" else MP3).status_code == 204
    if reason == "filename_taken":
        studio.house.file("a.mp3")
    before, died = studio.keys(tables.MEDIA), [False]

    def step(number: int, name: str) -> None:
        if reason == "taken after the copy" and name == "TransactWriteItems":
            studio.house.file("a.mp3")
        if number == nth:
            died[0] = True
            raise Killed

    with studio.stepped_worker(Steps(step)) as worker:
        try:
            assert studio.announce(ticket, worker=worker) == []
        except Killed:
            assert died[0]
    if died[0] and reason == "taken after the copy" and studio.house.stored_file("a.mp3") is None:
        studio.house.file("a.mp3")
    assert studio.announce(ticket, receive_count=2) == []

    standing = studio.standing(ticket, john)
    expected = "filename_taken" if "taken" in reason else reason
    assert (standing["state"], standing["reason"]) == ("rejected", expected)
    assert studio.keys(tables.MEDIA) == before
    assert not studio.uploaded(ticket)
    assert not studio.jobs("transcribe")


@pytest.mark.parametrize("nth", range(1, 7))
def test_a_purge_whose_worker_dies_is_finished_by_the_next(new_studio, nth):
    studio = new_studio()
    john = studio.house.user("john")
    studio.brought(john)
    stored = studio.house.stored_file("a.mp3")
    assert stored is not None
    studio.house.queue.take()
    assert studio.house.ask("DELETE", "/api/audio/a.mp3", by=john).status_code == 204
    message, _ = sorted(studio.house.queue.take(), key=lambda sent: sent.kind, reverse=True)
    steps = Steps(kill_before_step(nth))

    with studio.stepped_worker(steps) as worker:
        if nth <= 3:
            with pytest.raises(Killed):
                studio.house.deliver(message, worker=worker)
        else:
            assert studio.house.deliver(message, worker=worker) == []
            assert steps.names == ["GetItem", "delete_several", "UpdateItem"]
    assert studio.house.deliver(message, receive_count=2) == []

    assert studio.content(stored["object_key"]) is None
    [job] = studio.jobs("purge")
    assert (job["job_state"], job["finished_at"]) == ("done", "2025-01-15T08:30:00.123000Z")
    assert job["expires_at"] == 1_736_929_800 + 30 * 86_400
    assert not {"GSI1PK", "GSI1SK"} & job.keys()
    unfinished = studio.house.store.rows(tables.UNFINISHED_JOBS, "PK")
    assert [each["PK"] for each in unfinished] == [each["PK"] for each in studio.jobs("transcribe")]


def test_a_purge_of_a_job_that_is_none_of_its_own_does_nothing(new_studio):
    studio = new_studio()
    studio.brought(studio.house.user("john"))
    [job] = studio.jobs("transcribe")
    purger = Purger(studio.house.store, studio.objects, studio.clock)

    assert purger.purge(job["job_id"]) is False
    assert purger.purge("0" * 32) is False
    assert studio.jobs("transcribe") == [job]


# ---- races -----------------------------------------------------------------------------------------------------------


def all_deliver(studio: Studio, events: list[Sent]) -> list[list[str]]:
    """Every event by a worker of its own, all at once."""
    barrier = threading.Barrier(len(events))

    def deliver(event: Sent) -> list[str]:
        barrier.wait()
        return studio.house.deliver(event, worker=studio.house.another_worker())

    with ThreadPoolExecutor(len(events)) as pool:
        return list(pool.map(deliver, events))


@pytest.mark.parametrize("replace", [False, True])
def test_twenty_workers_take_one_upload_once(new_studio, replace):
    studio = new_studio()
    ticket, before = prepared(studio, replace=replace)

    answers = all_deliver(studio, [studio.event(ticket, number) for number in range(20)])

    assert answers == [[]] * 20
    assert not studio.house.queue.dead()
    assert len(studio.house.queue.of_type("transcribe")) == 1 + replace
    check_taken(studio, ticket, before, replaced=replace)


def test_of_two_uploads_of_one_name_exactly_one_is_taken(new_studio):
    studio = new_studio()
    john, before = studio.house.user("john"), studio.keys(tables.MEDIA)
    tickets = [studio.ticket(john) for _ in range(2)]
    contents = dict(zip((each["upload_id"] for each in tickets), (MP3, OTHER_MP3), strict=True))
    for ticket in tickets:
        assert studio.upload(ticket, contents[ticket["upload_id"]]).status_code == 204

    answers = all_deliver(studio, [studio.event(tickets[number % 2], number) for number in range(20)])

    assert answers == [[]] * 20
    standings = {each["upload_id"]: studio.standing(each, john) for each in tickets}
    assert Counter(each["state"] for each in standings.values()) == {"completed": 1, "rejected": 1}
    assert [each["reason"] for each in standings.values() if each["reason"]] == ["filename_taken"]
    [winner] = [name for name, each in standings.items() if each["state"] == "completed"]
    stored = studio.house.stored_file("a.mp3")
    assert stored is not None
    assert studio.content(stored["object_key"]) == contents[winner]
    assert studio.keys(tables.MEDIA) - before == {stored["object_key"]}
    assert not studio.uploaded(*tickets)
    assert len(studio.jobs("transcribe")) == 1


@pytest.mark.parametrize("round_", range(3))
def test_what_is_served_is_what_was_checked_though_the_form_is_sent_again_meanwhile(new_studio, round_):
    studio = new_studio()
    john, before = studio.house.user("john"), studio.keys(tables.MEDIA)
    ticket = studio.ticket(john)
    contents = [MP3 + bytes([number]) * number for number in range(1, 8)]
    assert studio.upload(ticket, contents[round_]).status_code == 204
    stop, numbers = threading.Event(), count(100)

    def send_again() -> None:
        while not stop.is_set():
            studio.upload(ticket, contents[next(numbers) % 7])

    sender = threading.Thread(target=send_again)
    sender.start()
    try:
        all_deliver(studio, [studio.event(ticket, number) for number in range(8)])
    finally:
        stop.set()
        sender.join()
    for content in (contents[0], PDF):  # the first, in case that they all gave up
        assert studio.upload(ticket, content).status_code == 204
        assert studio.announce(ticket, receive_count=2) == []

    stored = studio.house.stored_file("a.mp3")
    assert stored is not None
    content = studio.content(stored["object_key"])
    assert content in contents
    assert (stored["size"], stored["etag"]) == (len(content), studio.objects.head(stored["object_key"]).tag)
    assert studio.keys(tables.MEDIA) - before == {stored["object_key"]}
    assert not studio.uploaded(ticket)
    assert len(studio.jobs("transcribe")) == 1


def test_an_upload_that_is_sent_again_just_before_the_copy_is_looked_at_again(new_studio):
    studio = new_studio()
    ticket, before = prepared(studio, replace=False)
    left = [OTHER_MP3, MP3]

    def send_again(_step: int, name: str) -> None:
        if name == "copy" and left:
            assert studio.upload(ticket, left.pop(0)).status_code == 204

    steps = Steps(send_again)
    with studio.stepped_worker(steps) as worker:
        assert studio.announce(ticket, worker=worker) == []

    assert steps.names.count("copy") == 3
    check_taken(studio, ticket, before, replaced=False)


@pytest.mark.parametrize("replace", [False, True])
def test_who_comes_second_takes_nothing_though_the_form_was_sent_again(new_studio, replace):
    studio = new_studio()
    ticket, before = prepared(studio, replace=replace)
    done: list[list[str]] = []

    def be_second(_step: int, name: str) -> None:
        if name == "TransactWriteItems" and not done:
            done.append(studio.announce(ticket))
            assert studio.upload(ticket, OTHER_MP3).status_code == 204

    with studio.stepped_worker(Steps(be_second)) as worker:
        assert studio.announce(ticket, worker=worker) == []

    assert done == [[]]
    check_taken(studio, ticket, before, replaced=replace)


def test_an_upload_that_keeps_changing_is_tried_again_later(new_studio):
    studio = new_studio()
    ticket, before = prepared(studio, replace=False)
    numbers = count(1)

    def send_again(_step: int, name: str) -> None:
        if name == "copy":
            assert studio.upload(ticket, MP3 + b"x" * next(numbers)).status_code == 204

    with studio.stepped_worker(Steps(send_again)) as worker:
        assert studio.announce(ticket, worker=worker) == ["event-1"]
    assert studio.house.stored_file("a.mp3") is None
    assert studio.upload(ticket).status_code == 204
    assert studio.announce(ticket, receive_count=2) == []
    check_taken(studio, ticket, before, replaced=False)


def test_a_file_that_is_deleted_while_it_is_being_replaced_becomes_a_new_one(new_studio):
    studio = new_studio()
    ticket, before = prepared(studio, replace=True)
    john = studio.house.user("boss", is_admin=True)
    done: list[int] = []

    def delete(_step: int, name: str) -> None:
        if name == "TransactWriteItems" and not done:
            done.append(studio.house.ask("DELETE", "/api/audio/a.mp3", by=john).status_code)

    with studio.stepped_worker(Steps(delete)) as worker:
        assert studio.announce(ticket, worker=worker) == []

    assert done == [204]
    check_taken(studio, ticket, before, replaced=True)


def test_a_file_of_somebody_else_that_took_the_name_meanwhile_is_not_replaced(new_studio):
    studio = new_studio()
    house = studio.house
    ticket, _ = prepared(studio, replace=True)
    boss, mary = house.admin("boss"), house.user("mary")
    hers: list[Json] = []

    def take_the_name(_step: int, name: str) -> None:
        if name == "TransactWriteItems" and not hers:
            assert house.ask("DELETE", "/api/audio/a.mp3", by=boss).status_code == 204
            studio.clock.forward(seconds=1)
            hers.append(studio.brought(mary, "a.mp3", OTHER_MP3))

    with studio.stepped_worker(Steps(take_the_name)) as worker:
        assert studio.announce(ticket, worker=worker) == []

    stored = house.stored_file("a.mp3")
    assert stored is not None
    assert (stored["uploaded_by"], studio.content(stored["object_key"])) == (mary.user_id, OTHER_MP3)
    assert studio.standing(hers[0], mary)["audio"] is not None
    intent = house.item(tables.UPLOAD.key(upload_id=ticket["upload_id"]))
    assert intent is not None
    assert (intent["upload_state"], intent["reject_reason"]) == ("rejected", "filename_taken")
