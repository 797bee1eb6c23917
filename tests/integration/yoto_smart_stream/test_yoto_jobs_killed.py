"""A process dies after any step between a wish and its text: the file ends as it would have, listened to once.

wish:   a file read, a setting read, file and job written | the message
start:  job and file read | begun | the provider asked
answer: job and file read | the provider asked, its text read | written
sweep:  what is unfinished found | then as above
"""

import pytest

from lambda_src.services.yoto_smart_stream import tables
from tests.support.played import Invocation
from tests.support.stepping import Killed, Steps, act_before_step, kill_before_step
from tests.support.transcribe_stand_in import Play
from tests.support.yoto_steps import faults, stepped_wishes, stepped_worker
from tests.support.yoto_transcripts import Speech, event, name_of

WISH = ("GetItem", "GetItem", "TransactWriteItems", "send transcribe")
START = ("GetItem", "GetItem", "TransactWriteItems", "start")
ANSWER = ("GetItem", "GetItem", "poll", "read", "TransactWriteItems")
SWEEP_OF_QUEUED = (
    "GetItem",
    "Query",
    "BatchGetItem",
    "BatchGetItem",
    "send transcribe",
)  # the first: is there an administrator?
SWEEP_OF_STARTED = ("GetItem", "Query", "BatchGetItem", "BatchGetItem", "poll", "read", "TransactWriteItems")
SWEEP_OF_LOST = ("GetItem", "Query", "BatchGetItem", "BatchGetItem", "poll", "TransactWriteItems", "start")
SONG = "song.mp3"


def after_each(steps):
    """Once for every number of steps done, the last one included."""
    numbers = range(len(steps) + 1)
    return pytest.mark.parametrize("done", numbers, ids=[f"{n} {steps[n - 1] if n else 'nothing'}" for n in numbers])


@pytest.fixture
def speech(new_speech) -> Speech:
    made: Speech = new_speech()
    made.transcribe.play_in_order(Play(text="hello world", running_polls=None))
    made.file(SONG, made.house.user("john"))
    return made


def killed_after(done, expected, act) -> None:
    """Let something happen in a process that dies after so many steps, each of which is as expected."""
    steps = Steps(kill_before_step(done + 1))
    if done < len(expected):
        with pytest.raises(Killed):
            act(steps)
    else:
        act(steps)
    assert tuple(steps.names) == expected[:done]


def wish(speech, steps=None) -> str:
    asked = stepped_wishes(speech, steps or Steps()).request(
        SONG, speech.house.store.get(tables.USER_BY_NAME, username_key="john"), force=False, language=None
    )
    return str(asked.request_id)


def run_on(speech, *, lose_events: bool) -> None:
    """What happens by itself: messages are shown again, answers come or do not, sweeps come every ten minutes."""
    house = speech.house
    for round_number in range(4):
        for sent in house.queue.take():
            assert house.deliver(sent, receive_count=1 + (round_number == 0)) == []
        for name in speech.started_names():
            event_of = speech.ended(name.removeprefix("yss-local-"))
            if not lose_events:
                assert house.deliver(event_of) == []
        house.clock.forward(minutes=11)
        house.scheduled("sweep")


both = pytest.mark.parametrize("lose_events", [True, False], ids=["by the sweep", "by events"])


@both
@after_each(WISH)
def test_a_wish_that_dies_is_met_or_was_never_made(speech, done, lose_events):
    killed_after(done, WISH, lambda steps: wish(speech, steps))

    run_on(speech, lose_events=lose_events)

    is_recorded = done >= WISH.index("TransactWriteItems") + 1
    if not is_recorded:
        assert (speech.house.stored_file(SONG)["version"], speech.transcribe.calls) == (1, [])
        return
    assert faults(speech, {SONG: "hello world"}) == []


@both
@after_each(START)
def test_a_worker_that_dies_while_it_starts_a_job_leaves_one_start(speech, done, lose_events):
    job_id = wish(speech)
    [sent] = speech.house.queue.take()
    killed_after(done, START, lambda steps: speech.house.deliver(sent, worker=stepped_worker(speech, steps)))

    assert speech.house.deliver(sent, receive_count=2) == []
    run_on(speech, lose_events=lose_events)

    assert faults(speech, {SONG: "hello world"}) == []
    assert speech.started_names() == [name_of(job_id)]


@after_each(START)
def test_the_sweep_alone_makes_good_a_start_whose_message_is_gone(speech, done):
    job_id = wish(speech)
    [sent] = speech.house.queue.take()
    killed_after(done, START, lambda steps: speech.house.deliver(sent, worker=stepped_worker(speech, steps)))

    run_on(speech, lose_events=True)

    assert faults(speech, {SONG: "hello world"}) == []
    assert speech.started_names() == [name_of(job_id)]


@both
@after_each(ANSWER)
def test_a_worker_that_dies_over_an_answer_loses_nothing(speech, done, lose_events):
    job_id = wish(speech)
    speech.work()
    ended = speech.ended(job_id)
    killed_after(done, ANSWER, lambda steps: speech.house.deliver(ended, worker=stepped_worker(speech, steps)))

    if not lose_events:
        assert speech.house.deliver(ended, receive_count=2) == []
    run_on(speech, lose_events=True)

    assert faults(speech, {SONG: "hello world"}) == []
    assert speech.house.stored_file(SONG)["version"] == 4


@pytest.mark.parametrize(
    ("begun", "lost", "steps"),
    [(False, False, SWEEP_OF_QUEUED), (True, False, SWEEP_OF_STARTED), (True, True, SWEEP_OF_LOST)],
    ids=["a lost message", "a lost answer", "a lost start"],
)
def test_a_sweep_that_dies_anywhere_is_made_good_by_the_next(new_speech, begun, lost, steps):
    for done in range(len(steps) + 1):
        speech = new_speech()
        speech.transcribe.jobs.clear()
        speech.transcribe.play_in_order(
            Play(text="hello world", running_polls=None, lost_as="NotFoundException" if lost else None)
        )
        speech.house.admin("admin")
        speech.file(SONG, speech.house.user("john"))
        job_id = wish(speech)
        if begun:
            speech.work()
            if not lost:
                speech.ended(job_id)
        speech.house.queue.take()
        speech.house.clock.forward(minutes=11)
        killed_after(
            done, steps, lambda taken, it=speech: stepped_worker(it, taken)({"task": "sweep"}, Invocation(120_000))
        )

        run_on(speech, lose_events=True)

        assert faults(speech, {SONG: "hello world"}) == []
        assert speech.started_names() == [name_of(job_id)]


@pytest.mark.parametrize("number", range(1, len(ANSWER) + 1))
@pytest.mark.parametrize("rival", ["cancel", "by hand", "the sweep"])
def test_whatever_comes_in_between_an_answer_one_of_the_two_holds(speech, number, rival):
    job_id = wish(speech)
    speech.work()
    ended = speech.ended(job_id)
    boss = speech.house.admin()
    path = f"/api/audio/{SONG}/transcript"

    def come_in_between() -> None:
        if rival == "cancel":
            assert speech.house.ask("POST", f"{path}/cancel", by=boss).status_code == 200
        elif rival == "by hand":
            assert speech.house.ask("PUT", path, by=boss, json={"text": "by hand"}).status_code == 200
        else:
            speech.house.clock.forward(minutes=11)
            speech.house.scheduled("sweep")

    steps = Steps(act_before_step(number, come_in_between))
    assert speech.house.deliver(ended, worker=stepped_worker(speech, steps)) == []

    now = speech.read(SONG, boss)
    assert (now["status"], now["transcript"]) == {
        "cancel": ("cancelled", None), "by hand": ("completed", "by hand"), "the sweep": ("completed", "hello world"),
    }[rival]  # fmt: skip
    assert speech.house.metrics.counted.count(("TranscriptionDone", {})) == (rival == "the sweep")


# ---- the control -----------------------------------------------------------------------------------------------------


def test_a_naive_worker_listens_twice_and_is_found_out(speech):
    wish(speech)
    [sent] = speech.house.queue.take()
    with pytest.raises(Killed):  # after the provider was asked, before that was written down
        speech.house.deliver(sent, worker=stepped_worker(speech, Steps(kill_before_step(4)), "naive"))

    speech.house.deliver(sent, receive_count=2, worker=stepped_worker(speech, Steps(), "naive"))

    assert f"{SONG} was listened to 2 times" in faults(speech, {SONG: "hello world"})


def test_a_naive_worker_overwrites_what_was_cancelled_and_is_found_out(speech):
    job_id = wish(speech)
    naive = stepped_worker(speech, Steps(), "naive")
    speech.house.deliver(*speech.house.queue.take(), worker=naive)
    [name] = speech.started_names()
    john = speech.house.store.get(tables.USER_BY_NAME, username_key="john")
    speech.house.ask("POST", f"/api/audio/{SONG}/transcript/cancel", by=john)

    speech.house.deliver(event(speech.transcribe.finish(name)), worker=naive)

    assert speech.job(job_id)["job_state"] == "done"
    assert speech.read(SONG, john)["status"] == "completed"  # and the product says `cancelled`, see test_yoto_jobs
