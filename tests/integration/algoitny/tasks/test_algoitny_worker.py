"""The worker's messages: twice, at once, cut off anywhere, and never to succeed. Each task comes to one end."""

import threading

import pytest

from lambda_src.errors import InvalidInput, StoreUnavailable
from lambda_src.runtime.worker import MAX_RECEIVES
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.messages import TYPES
from lambda_src.services.algoitny.models.tasks import Done, Unfinished
from lambda_src.services.algoitny.models.usage import UsageCounter, UsageLog
from lambda_src.services.algoitny.tasks.runner import TaskRunner
from lambda_src.services.algoitny.upkeep import LOST
from lambda_src.services.algoitny.usage.charge import reversal
from lambda_src.services.algoitny.usage.repository import UsageLogRepository
from tests.support.algoitny_tasks import message_of, started, stored, worker_of
from tests.support.played import Invocation, Sent
from tests.support.stepping import Killed, SteppedQueue, Steps, kill_before_step, stepped_client

BUDGET_SECONDS = 120
QUEUE = "http://queue.test/algoitny-jobs"


class Work:
    """What a handler was called for; `then` says how a call ends."""

    def __init__(self, *then):
        self.seen = []
        self.then = list(then)

    def __call__(self, task):
        self.seen.append(task)
        outcome = self.then.pop(0) if self.then else Done({"count": len(self.seen)})
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def charged(judge, task):
    """The task as one that was charged for, with its log and counter. Returns the keys of both."""
    log = UsageLog(
        user_id=7, date="20251008", created_at=judge.now_ms, action="hint", suffix="0123456789ab", expires_at=2**31
    )
    count = UsageCounter(user_id=7, date="20251008", action="hint", created_at=judge.now_ms, expires_at=2**31, value=3)
    log_key, count_key = items.USAGE_LOG.key_of(log), items.USAGE_COUNTER.key_of(count)
    keys = {"lpk": log_key.values["PK"], "lsk": log_key.values["SK"]}
    judge.put_items(items.USAGE_LOG.item(log), items.USAGE_COUNTER.item(count), {**items.TASK.item(task), **keys})
    return log_key, count_key


def test_a_redelivered_message_finds_its_task_done_and_works_on_nothing(new_judge):
    judge = new_judge()
    task, work = started(judge), Work()
    (sent,) = judge.queue.take()
    worker = worker_of(judge, work)

    assert judge.deliver(sent, worker=worker) == []
    with judge.counted() as requests:
        assert judge.deliver(sent, sent, receive_count=2, worker=worker) == []
    assert requests == {"UpdateItem": 2}
    assert len(work.seen) == 1
    assert (stored(judge, task).status, stored(judge, task).result) == ("SUCCESS", {"count": 1})
    assert judge.queue.dead() == []


def test_a_message_of_a_task_that_nobody_knows_is_acknowledged(new_judge):
    judge = new_judge()
    body = '{"v":1,"type":"user.purge","task_id":"01K71V2JG0A1B2C3D4E5F6G7H8","args":{}}'

    assert judge.deliver(Sent(QUEUE, "lost", body), worker=worker_of(judge, Work())) == []
    assert "task" not in {item["tp"] for item in judge.items()}


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[]",
        '{"v":2,"type":"user.purge","task_id":"01K71V2JG0A1B2C3D4E5F6G7H8"}',
        '{"v":1,"type":"user.unknown","task_id":"01K71V2JG0A1B2C3D4E5F6G7H8"}',
        '{"v":1,"type":"user.purge","task_id":"01K71V2JG0A1B2C3D4E5F6G7H8\\n"}',
        '{"v":1,"type":"user.purge"}',
    ],
)
def test_what_is_no_message_of_ours_is_set_aside(new_judge, body):
    judge = new_judge()

    assert judge.deliver(Sent(QUEUE, "odd", body)) == []
    (dead,) = judge.queue.dead()
    assert dead.body == body
    assert dead.attributes["reason"]


def test_two_deliveries_at_once_work_once_and_the_other_one_comes_again(new_judge):
    judge = new_judge()
    task, began, may_end = started(judge), threading.Event(), threading.Event()
    (sent,) = judge.queue.take()
    seen = []

    def work(task):
        seen.append(task.attempts)
        began.set()
        assert may_end.wait(20)
        return Done({})

    first = threading.Thread(target=judge.deliver, args=(sent,), kwargs={"worker": worker_of(judge, work)})
    first.start()
    assert began.wait(20)
    other = Sent(QUEUE, "sent-again", sent.body)
    assert judge.deliver(sent, receive_count=2, worker=worker_of(judge, work)) == [sent.message_id]
    assert judge.deliver(other, worker=worker_of(judge, work)) == [other.message_id]
    # Even its last delivery takes nothing away from the one that works.
    assert judge.deliver(other, receive_count=MAX_RECEIVES, worker=worker_of(judge, work)) == []
    assert stored(judge, task).status == "STARTED"
    may_end.set()
    first.join()
    assert judge.deliver(sent, receive_count=3, worker=worker_of(judge, work)) == []
    assert seen == [1]
    assert stored(judge, task).status == "SUCCESS"
    assert judge.queue.dead() == []


@pytest.mark.parametrize("end", [Done({"by": "the late one"}), InvalidInput("It stands against itself")])
def test_who_is_late_takes_nothing_away_from_who_works_by_then(new_judge, end):
    judge = new_judge()
    task, began, may_end = started(judge), threading.Event(), threading.Event()
    (sent,) = judge.queue.take()

    def in_time(_task):
        began.set()
        assert may_end.wait(20)
        return Done({"by": "the other one"})

    other = threading.Thread(
        target=judge.deliver, args=(sent,), kwargs={"receive_count": 2, "worker": worker_of(judge, in_time)}
    )

    def late(_task):
        judge.clock.forward(seconds=BUDGET_SECONDS, milliseconds=1)
        other.start()
        assert began.wait(20)
        if isinstance(end, Exception):
            raise end
        return end

    assert judge.deliver(sent, worker=worker_of(judge, late)) == []
    assert (stored(judge, task).status, stored(judge, task).attempts) == ("STARTED", 2)
    may_end.set()
    other.join()
    assert (stored(judge, task).status, stored(judge, task).result) == ("SUCCESS", {"by": "the other one"})


def test_what_fails_for_now_is_tried_again_at_once_when_its_message_comes(new_judge):
    judge = new_judge()
    task, work = started(judge), Work(StoreUnavailable(), RuntimeError("a bug"))
    (sent,) = judge.queue.take()
    worker = worker_of(judge, work)

    for receive_count in (1, 2):
        assert judge.deliver(sent, receive_count=receive_count, worker=worker) == [sent.message_id]
        waiting = stored(judge, task)
        assert (waiting.status, waiting.attempts, waiting.lease_until) == ("RETRY", receive_count, None)
    assert judge.deliver(sent, receive_count=3, worker=worker) == []
    assert stored(judge, task).status == "SUCCESS"


@pytest.mark.parametrize("is_given_back_already", [False, True])
def test_the_last_delivery_fails_the_task_gives_its_charge_back_once_and_sets_the_message_aside(
    new_judge, is_given_back_already
):
    judge = new_judge()
    task, work = started(judge), Work(*[StoreUnavailable("Nobody answers")] * MAX_RECEIVES)
    log_key, count_key = charged(judge, task)
    (sent,) = judge.queue.take()
    worker = worker_of(judge, work, reversal=reversal)
    if is_given_back_already:
        assert UsageLogRepository(judge.store, judge.clock).reverse_usage(*log_key.values.values())

    for receive_count in range(1, MAX_RECEIVES):
        assert judge.deliver(sent, receive_count=receive_count, worker=worker) == [sent.message_id]
    assert judge.deliver(sent, receive_count=MAX_RECEIVES, worker=worker) == []
    failed = stored(judge, task)
    assert (failed.status, failed.error_code, failed.error_message) == ("FAILURE", "busy", "Nobody answers")
    assert failed.lease_by is None
    assert judge.item(count_key)["val"] == 2
    assert judge.item(log_key)["rev"] == judge.now_ms
    (dead,) = judge.queue.dead()
    assert (dead.body, dead.attributes["reason"]) == (sent.body, "StoreUnavailable on receive 5 of 5")
    assert judge.deliver(sent, worker=worker) == []
    assert judge.item(count_key)["val"] == 2
    assert len(work.seen) == MAX_RECEIVES


def test_what_cannot_succeed_fails_at_once_and_its_message_is_acknowledged(new_judge):
    judge = new_judge()
    task = started(judge)
    (sent,) = judge.queue.take()

    assert judge.deliver(sent, worker=worker_of(judge, Work(InvalidInput("x" * 600)))) == []
    failed = stored(judge, task)
    assert (failed.status, failed.error_code, failed.attempts) == ("FAILURE", "validation_error", 1)
    assert failed.error_message == "x" * 500
    assert judge.queue.dead() == []


def test_a_bug_says_nothing_of_itself_to_whoever_looks_at_the_task(new_judge):
    judge = new_judge()
    task = started(judge)
    (sent,) = judge.queue.take()

    judge.deliver(sent, receive_count=MAX_RECEIVES, worker=worker_of(judge, Work(RuntimeError("password=1"))))
    assert (stored(judge, task).error_code, stored(judge, task).error_message) == (
        "internal_error",
        "Something went wrong on our side",
    )


def test_a_task_goes_on_in_messages_of_its_own_until_it_is_done(new_judge):
    judge = new_judge()
    work = Work(*(Unfinished({"user_id": 7, "from": part}, current=part, total=8) for part in range(1, 8)))
    task = started(judge, user_id=7)
    worker = worker_of(judge, work)

    for part in range(1, 8):
        (sent,) = judge.queue.take()
        assert judge.deliver(sent, worker=worker) == []
        going_on = stored(judge, task)
        assert (going_on.status, going_on.current, going_on.total, going_on.attempts) == ("PROGRESS", part, 8, 0)
    judge.deliver(*judge.queue.take(), worker=worker)
    assert stored(judge, task).status == "SUCCESS"
    assert [dict(seen.arguments) for seen in work.seen][1:] == [{"user_id": 7, "from": part} for part in range(1, 8)]
    assert message_of(judge, task).content["args"] == {"user_id": 7}


@pytest.mark.parametrize("step", range(1, 6))
def test_a_worker_that_is_killed_anywhere_leaves_a_task_that_comes_to_its_end(new_judge, step):
    judge = new_judge()
    task, steps = started(judge), Steps(kill_before_step(step))
    (sent,) = judge.queue.take()
    mortal = judge.another_worker(
        client=judge.metered(stepped_client(judge.client, steps)), queue=SteppedQueue(judge.queue, steps)
    )

    def work(task):
        return Done({}) if task.arguments else Unfinished({"part": 1})

    def two_invocations():
        judge.deliver(sent, worker=worker_of(judge, work, worker=mortal))
        judge.deliver(*judge.queue.take(), worker=worker_of(judge, work, worker=mortal))

    with pytest.raises(Killed):  # before one of claim, progress, send, claim, finish
        two_invocations()

    for _ in range(4):  # the queue hands it over again, and maintenance finds what no message is left of
        judge.clock.forward(minutes=15)
        judge.deliver(sent, *judge.queue.take(), receive_count=2, worker=worker_of(judge, work))
        judge.scheduled("maintenance")
    assert stored(judge, task).status == "SUCCESS"
    assert judge.queue.dead() == []


def test_maintenance_sends_what_a_dead_worker_left_and_gives_up_what_was_cut_off_five_times(new_judge):
    judge = new_judge()
    task = started(judge)

    for attempt in range(1, MAX_RECEIVES + 1):
        (sent,) = judge.queue.take()
        with pytest.raises(Killed):
            judge.deliver(sent, worker=worker_of(judge, die))
        assert stored(judge, task).attempts == attempt
        judge.clock.forward(seconds=BUDGET_SECONDS + 5 * 60 - 0.001)
        judge.scheduled("maintenance")
        assert judge.queue.take() == []  # it has been free for less than five minutes
        judge.clock.forward(milliseconds=1)
        judge.scheduled("maintenance")
    failed = stored(judge, task)
    assert (failed.status, failed.error_code, failed.error_message) == ("FAILURE", *LOST)
    assert judge.queue.take() == []
    assert judge.metrics.totals["TaskResent"] == MAX_RECEIVES - 1


def die(_task):
    raise Killed


def test_maintenance_leaves_a_failed_try_to_its_own_message_for_half_an_hour(new_judge):
    judge = new_judge()
    started(judge)
    (sent,) = judge.queue.take()
    judge.deliver(sent, worker=worker_of(judge, Work(StoreUnavailable())))

    judge.clock.forward(minutes=30, milliseconds=-1)
    judge.scheduled("maintenance")
    assert judge.queue.take() == []
    judge.clock.forward(milliseconds=1)
    judge.scheduled("maintenance")
    assert len(judge.queue.take()) == 1


def test_maintenance_looks_after_the_oldest_first_and_one_that_fails_costs_the_others_nothing(new_judge):
    judge = new_judge()
    tasks = []
    for _ in range(12):
        tasks.append(started(judge))
        judge.clock.forward(seconds=1)
    judge.queue.take()
    broken = tasks[3]
    judge.put_items({**items.TASK.item(broken), "knd": "rollup", "arg": {f"n{i}_id": {"a": 1} for i in range(2)}})

    judge.clock.forward(minutes=5)
    with judge.counted() as requests:
        judge.scheduled("maintenance")
    assert requests == {"Query": 5, "BatchGetItem": 1}  # one of them for the plans
    assert [sent.content["task_id"] for sent in judge.queue.take()] == [
        task.task_id for task in tasks if task is not broken
    ]
    assert judge.metrics.totals["SweepFailed"] == 1


def test_maintenance_stops_in_time(new_judge):
    judge = new_judge()
    for _ in range(3):
        started(judge)
    judge.queue.take()
    judge.clock.forward(minutes=6)

    judge.worker({"task": "maintenance"}, Invocation(15_000))
    assert judge.queue.take() == []


def test_somebody_works_on_each_kind_of_task_that_has_messages(new_judge):
    runner = getattr(new_judge().worker.handle, "__self__", None)

    assert isinstance(runner, TaskRunner)
    assert runner.handlers.keys() == TYPES.keys()
