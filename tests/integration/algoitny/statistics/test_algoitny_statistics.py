"""What the stream counts: each event once, for its user, its problem and its hour, and nothing of who is gone."""

import threading
from dataclasses import replace

import pytest

from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.models.histories import HistoryHint
from lambda_src.services.algoitny.statistics.repository import UserStatsRepository
from tests.support.algoitny_streams import Counted, counting, run_of, stream_record
from tests.support.stepping import Steps, act_before_step, stepped_client

NOTHING = {
    "total_executions": 0,
    "passed": 0,
    "failed": 0,
    "unique_problems": 0,
    "history_count": 0,
    "hints_total": 0,
    "by_language": {},
    "by_platform": {},
    "last_activity_at": None,
}


@pytest.fixture
def judge(new_judge):
    return new_judge()


@pytest.fixture
def ann(judge):
    return judge.user("ann@example.com")


def stats_of(judge, user):
    return judge.ask("GET", "/api/account/stats", by=user).json()


def executions(judge, platform="baekjoon", problem_id="1000"):
    return (judge.item(items.PROBLEM_STATS.key(platform=platform, problem_id=problem_id)) or {}).get("exc", 0)


def recent(judge, hours=1):
    return judge.ask("GET", f"/api/history/recent-count?hours={hours}").json()["count"]


def hint_of(judge, user, status, **fields):
    return HistoryHint(
        history_id="h1", user_id=user.user_id, created_at=judge.now_ms, updated_at=judge.now_ms, status=status, **fields
    )


def test_a_run_counts_for_its_user_its_problem_and_its_hour(judge, ann):
    world = Counted(judge)
    world.put(run_of(judge, "h1", user_id=ann.user_id, is_code_public=True, public_shard=3, timeline="PUBLIC#3"))

    consumer = counting(judge)
    with judge.counted() as requests:
        assert world.deliver(consumer=consumer) == []
    assert requests == {"BatchGetItem": 1, "TransactWriteItems": 1}
    assert stats_of(judge, ann) == NOTHING | {
        "total_executions": 1,
        "passed": 1,
        "unique_problems": 1,
        "history_count": 1,
        "by_language": {"python": 1},
        "by_platform": {"baekjoon": 1},
        "last_activity_at": "2025-10-08T12:00:00.000Z",
    }
    assert executions(judge) == 1
    assert world.stored("pubh") == [{"PK": "STAT#PUB#20251008", "SK": "H#12#3", "tp": "pubh", "val": 1}]
    assert {item["tp"] for item in world.stored("stats", "pstat", "uprob", "evt")} == {"stats", "pstat", "uprob", "evt"}
    (marker,) = world.stored("evt")
    assert marker["PK"] == f"EVT#{world.records[0]['eventID']}"
    assert marker["ttl"] == judge.now_ms // 1000 + 15 * 86_400


def test_a_record_that_comes_three_times_counts_once(judge, ann):
    world = Counted(judge)
    world.put(run_of(judge, "h1", user_id=ann.user_id))

    for _ in range(3):
        assert world.deliver() == []
    assert world.deliver(world.records * 2) == []
    assert stats_of(judge, ann)["total_executions"] == 1
    assert executions(judge) == 1


def test_two_first_runs_of_a_problem_at_once_are_two_runs_of_one_problem(judge, ann):
    world, both_have_read = Counted(judge), threading.Barrier(2)
    world.put(run_of(judge, "h1", user_id=ann.user_id))
    judge.clock.forward(seconds=1)
    world.put(run_of(judge, "h2", user_id=ann.user_id))

    class Meeting:
        """A client that writes for the first time only when both have read."""

        def __init__(self, client):
            self.client, self.is_first = client, True

        def call(self, operation, request, pattern):
            if operation == "TransactWriteItems" and self.is_first:
                self.is_first = False
                both_have_read.wait(20)
            return self.client.call(operation, request, pattern)

        def close(self):
            """The client is another's."""

    failed = []

    def deliver(record):
        client = judge.metered(Meeting(judge.resources.client))
        failed.extend(world.deliver([record], consumer=counting(judge, client=client)))

    threads = [threading.Thread(target=deliver, args=(record,)) for record in world.records]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    stats = stats_of(judge, ann)
    assert (stats["unique_problems"], stats["total_executions"]) == (1, 2)
    assert stats["last_activity_at"] == "2025-10-08T12:00:01.000Z"
    assert executions(judge) == 2


def overtaken(world, late, first):
    """Deliver a record between what another one reads and what it writes."""
    judge = world.judge
    steps = Steps(act_before_step(2, lambda: world.deliver([first])))
    client = judge.metered(stepped_client(judge.client, steps))
    assert world.deliver([late], consumer=counting(judge, client=client)) == []
    assert steps.names == ["BatchGetItem", "TransactWriteItems"] * 2


def test_a_first_run_that_is_overtaken_by_another_one_is_none_though_it_is_not_the_last_activity(judge, ann):
    world = Counted(judge)
    world.put(run_of(judge, "h1", user_id=ann.user_id), run_of(judge, "h2", user_id=ann.user_id))
    judge.clock.forward(minutes=1)
    world.put(run_of(judge, "h3", user_id=ann.user_id, problem_number="1001"))
    world.deliver(world.records[2:])

    overtaken(world, *world.records[:2])
    assert stats_of(judge, ann)["unique_problems"] == 2
    assert stats_of(judge, ann)["total_executions"] == 3


def test_the_last_activity_stays_when_a_run_is_overtaken_by_a_later_one(judge, ann):
    world = Counted(judge)
    world.put(run_of(judge, "h1", user_id=ann.user_id))
    judge.clock.forward(minutes=1)
    world.put(run_of(judge, "h2", user_id=ann.user_id, problem_number="1001"))

    overtaken(world, *world.records)
    stats = stats_of(judge, ann)
    assert (stats["last_activity_at"], stats["total_executions"]) == ("2025-10-08T12:01:00.000Z", 2)


def test_what_did_not_pass_has_failed_and_languages_and_platforms_are_told_apart(judge, ann):
    world = Counted(judge)
    whose = {"user_id": ann.user_id}
    world.put(
        run_of(judge, "h1", **whose),
        run_of(judge, "h2", result_summary="failed", language="cpp", problem_number="1001", **whose),
        run_of(judge, "h3", result_summary="error", platform="codeforces", problem_number="1520E", **whose),
    )

    assert world.deliver() == []
    stats = stats_of(judge, ann)
    assert (stats["passed"], stats["failed"], stats["unique_problems"]) == (1, 2, 3)
    assert stats["by_language"] == {"python": 2, "cpp": 1}
    assert stats["by_platform"] == {"baekjoon": 2, "codeforces": 1}


def test_deleting_a_run_leaves_what_was_done_and_lowers_the_number_of_runs(judge, ann):
    world = Counted(judge)
    run = run_of(judge, "h1", user_id=ann.user_id, is_code_public=True, public_shard=3, timeline="PUBLIC#3")
    world.put(run, replace(run, history_id="h2"))
    world.delete(run)

    assert world.deliver() == []
    stats = stats_of(judge, ann)
    assert (stats["history_count"], stats["total_executions"], stats["unique_problems"]) == (1, 2, 1)
    assert recent(judge) == 1
    assert executions(judge) == 2


def test_only_a_change_of_what_is_public_counts_with_the_shard_it_was_public_in(judge, ann):
    world = Counted(judge)
    private = run_of(judge, "h1", user_id=ann.user_id, public_shard=2)
    shown = replace(private, is_code_public=True, public_shard=5, timeline="PUBLIC#5")
    world.put(private, replace(private, hint_count=3), shown)
    world.put(replace(shown, hint_count=3))
    assert world.deliver() == []
    assert [(item["SK"], item["val"]) for item in world.stored("pubh")] == [("H#12#5", 1)]

    world.put(replace(private, public_shard=None))
    judge.clock.forward(hours=3)
    world.put(replace(shown, public_shard=7, timeline="PUBLIC#7"))
    assert world.deliver(world.records[-2:]) == []
    hours = {item["SK"]: item["val"] for item in world.stored("pubh")}
    assert hours == {"H#12#5": 0, "H#12#7": 1}  # the hour in which it was made
    assert (recent(judge, 3), recent(judge, 4)) == (0, 1)
    assert len(world.stored("evt")) == 4
    assert stats_of(judge, ann)["total_executions"] == 1


def test_hints_count_when_they_become_complete(judge, ann):
    world = Counted(judge)
    for status in ("PENDING", "PROCESSING", "FAILED", "PENDING", "COMPLETED"):
        world.put_hint(hint_of(judge, ann, status))
    world.put_hint(hint_of(judge, ann, "COMPLETED", attempts=2))

    assert world.deliver() == []
    assert world.deliver() == []
    assert stats_of(judge, ann)["hints_total"] == 1
    world.records.clear()
    world.put_hint(replace(hint_of(judge, ann, "COMPLETED"), history_id="h2"))
    assert world.deliver() == []
    assert stats_of(judge, ann)["hints_total"] == 2


def test_a_run_of_nobody_counts_for_its_problem_and_its_hour(judge):
    world = Counted(judge)
    run = run_of(judge, "7", is_code_public=True, public_shard=0, timeline="PUBLIC#0")
    world.put(run)

    consumer = counting(judge)
    with judge.counted() as requests:
        assert world.deliver(consumer=consumer) == []
    assert requests == {"TransactWriteItems": 1}
    world.delete(run)
    assert world.deliver(world.records[1:]) == []
    assert world.stored("stats", "uprob") == []
    assert executions(judge) == 1
    assert recent(judge) == 0


def test_nothing_comes_back_of_a_user_who_is_gone(judge, ann):
    world = Counted(judge)
    run = run_of(judge, "h1", user_id=ann.user_id, is_code_public=True, public_shard=0, timeline="PUBLIC#0")
    private = replace(run, history_id="h2", is_code_public=False, timeline=None)
    world.put(run, private)
    world.put_hint(hint_of(judge, ann, "COMPLETED"))
    world.delete(run)
    world.delete(private)
    judge.remove(items.USER.key(user_id=ann.user_id))

    assert world.deliver() == []
    assert world.stored("stats", "uprob") == []
    assert executions(judge) == 2
    assert recent(judge) == 0


def test_what_was_moved_in_is_not_counted_again(judge, ann):
    world = Counted(judge)
    run = run_of(judge, "7", user_id=ann.user_id, is_code_public=True, public_shard=0, timeline="PUBLIC#0")
    world.put(run, migration="m1")
    world.put_hint(hint_of(judge, ann, "COMPLETED"), migration="m1")
    world.put(run)  # the mark is taken off
    assert [record["eventName"] for record in world.records] == ["INSERT", "INSERT", "MODIFY"]
    assert world.deliver() == []
    assert world.stored("evt", "stats", "pstat", "pubh") == []

    world.put(replace(run, is_code_public=False, timeline=None))
    assert world.deliver(world.records[-1:]) == []
    assert [item["val"] for item in world.stored("pubh")] == [-1]  # of an hour that the migration wrote
    assert recent(judge) == 0
    moved = replace(run, history_id="8")
    world.put(moved, migration="m1")
    world.delete(moved)
    assert world.deliver(world.records[-2:]) == []
    assert len(world.stored("evt")) == 1


@pytest.mark.parametrize("attribute", ["plt", "lng", "crt", "res"])
def test_a_record_that_nobody_can_read_is_set_aside_whole_and_the_others_count(judge, ann, attribute):
    world = Counted(judge)
    for number in range(3):
        world.put(run_of(judge, f"h{number}", user_id=ann.user_id))
    broken = world.records[1]
    del broken["dynamodb"]["NewImage"][attribute]

    assert world.deliver() == []
    (dead,) = judge.queue.dead()
    assert (dead.queue_url, dead.content) == ("http://queue.test/algoitny-stats-dlq", broken)
    assert stats_of(judge, ann)["total_executions"] == 2


def test_what_is_no_run_is_passed_over(judge, ann):
    world = Counted(judge)
    user = items.USER.item(ann)
    records = [
        stream_record(None, user, number=1),
        stream_record(user, None, number=2),
        stream_record({**user, "tp": "hist"}, user, number=3),
    ]

    consumer = counting(judge)
    with judge.counted() as requests:
        assert world.deliver(records, consumer=consumer) == []
    assert requests == {}
    assert judge.queue.dead() == []


def test_the_last_activity_never_goes_back(judge, ann):
    world = Counted(judge)
    for number in range(3):
        world.put(run_of(judge, f"h{number}", user_id=ann.user_id))
        judge.clock.forward(minutes=1)

    for record in (world.records[1], world.records[2], world.records[0]):
        assert world.deliver([record]) == []
    assert stats_of(judge, ann)["last_activity_at"] == "2025-10-08T12:02:00.000Z"


def test_the_published_methods_say_what_was_counted(judge, ann):
    world = Counted(judge)
    world.put(run_of(judge, "h1", user_id=ann.user_id), run_of(judge, "h2", user_id=ann.user_id))
    world.deliver()
    repository = UserStatsRepository(judge.store, judge.clock)

    assert repository.get_total_executions(ann.user_id) == 2
    assert repository.count_unique_problems(ann.user_id) == 1
    assert repository.has_run(ann.user_id, "baekjoon", "1000")
    assert not repository.has_run(ann.user_id, "baekjoon", "1001")
    assert repository.get_stats(1).total_executions == 0
