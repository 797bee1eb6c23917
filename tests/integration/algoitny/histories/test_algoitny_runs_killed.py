"""Whatever ends, gets lost or comes first: a run is charged where it exists, and nowhere else."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.client import Client
from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.objects import ObjectClient
from lambda_src.services.algoitny.histories.rules import Output
from lambda_src.services.algoitny.histories.service import Recorded, RunRecorder, Submission
from lambda_src.services.algoitny.models.users import Principal, User
from lambda_src.services.algoitny.usage.service import Repeatable
from tests.support.algoitny import PlayedJudge
from tests.support.algoitny_runs import kinds
from tests.support.dynamodb_faults import Faults, RandomConflicts
from tests.support.stepping import Killed, Steps, act_before_step, kill_before_step, stepped_client

KEYED = ["Query", "GetItem", "GetItem", "GetItem", "Query", "put object", "PutItem", "TransactWriteItems", "GetItem"]
CASES = 40  # whose results are an object


class Bucket(ObjectClient):
    """A bucket in memory, each of whose requests is a step."""

    def __init__(self, held: dict[str, bytes], steps: Steps) -> None:
        super().__init__("content")
        self.held, self._steps = held, steps

    def put(self, key: str, content: bytes, **_: Any) -> str:
        self._steps.take("put object")
        self.held[key] = content
        return "tag"

    def delete(self, key: str) -> None:
        self._steps.take("delete object")
        self.held.pop(key, None)

    def read(self, key: str, **_: Any) -> bytes:
        return self.held[key]


class Scene:
    """A service, a member of it, and the objects of its bucket."""

    def __init__(self, judge: PlayedJudge, *, limit: int = 5) -> None:
        self.judge = judge
        judge.problem(cases=CASES)
        judge.plan(plan_id=9, name="Some", max_executions_per_day=limit)
        self.ann: User = judge.user("ann@example.com", plan_id=9)
        self.objects: dict[str, bytes] = {}

    def recorder(self, client: Client, steps: Steps) -> RunRecorder:
        """What records runs in a process of its own."""
        judge = self.judge
        resources = replace(
            judge.resources, client=judge.metered(client), objects=lambda _: Bucket(self.objects, steps)
        )
        made: RunRecorder = judge._wiring.api(judge.api_settings, resources).state.provided[RunRecorder]
        return made

    def record(self, recorder: RunRecorder, key: str | None = None) -> Recorded:
        outputs = [Output(str(number), "x" * 500) for number in range(1, CASES + 1)]
        sent = Submission("baekjoon", "1000", "python", "print(1)", outputs, is_code_public=True)
        repeatable = None if key is None else Repeatable("POST /api/history", key, {"code": "print(1)"})
        return recorder.record(Principal(self.ann, is_admin=False), sent, repeatable)

    def stepped(self, steps: Steps) -> RunRecorder:
        return self.recorder(stepped_client(self.judge.client, steps), steps)

    def runs(self) -> int:
        """How many runs there are, all of them whole and charged, and nothing charged beside them."""
        histories, bodies = kinds(self.judge, "hist"), {each["PK"]: each for each in kinds(self.judge, "hbody")}
        logs, counters = kinds(self.judge, "ulog"), kinds(self.judge, "ucnt")
        assert len(histories) == len(logs) == sum(each["val"] for each in counters)
        assert {f"HIST#{each['met']['history_id']}" for each in logs} == {each["PK"] for each in histories}
        assert len(kinds(self.judge, "ptr")) == 2 * len(histories)
        for each in histories:
            assert bodies[each["PK"]]["trk"] in self.objects
        return len(histories)


@pytest.fixture
def scene(new_judge):
    return Scene(new_judge())


@pytest.mark.parametrize(("key", "expected"), [("k1", KEYED), (None, [*KEYED[:1], *KEYED[2:]])])
def test_a_run_is_charged_and_there_or_neither_wherever_its_process_ends(scene, key, expected):
    steps = Steps()
    assert scene.record(scene.stepped(steps), key).consumed.charged
    assert steps.names == expected
    for step in range(1, len(expected) + 1):
        before = scene.runs()
        scene.judge.clock.forward(days=1)  # so that the plan has room, and the key is fresh
        with pytest.raises(Killed):
            scene.record(scene.stepped(Steps(kill_before_step(step))), key)
        is_charged = step == len(expected)
        assert scene.runs() - before == is_charged
        if key is not None:  # whoever heard nothing sends it again
            again = scene.record(scene.recorder(Boto3Client(scene.judge.client), Steps()), key)
            assert again.consumed.charged is not is_charged
            assert scene.runs() - before == 1


def test_a_run_whose_answer_gets_lost_is_charged_once(scene):
    client = Faults(Boto3Client(scene.judge.client))
    lost = client.lose_next_answer("TransactWriteItems")
    recorded = scene.record(scene.recorder(client, Steps()))
    assert len(lost) == 1
    assert recorded.consumed.charged
    assert scene.runs() == 1


class Silent:
    """A client that hears nothing of a transaction any more, carried out or not."""

    def __init__(self, client: Client, *, carried_out: bool) -> None:
        self._faults = Faults(client)
        self._carried_out = carried_out

    def call(self, operation: str, request: Mapping[str, Any], pattern: str) -> Any:
        if operation == "TransactWriteItems":
            if self._carried_out:
                self._faults.call(operation, dict(request), pattern)
            self._faults.silence()
            return self._faults.call(operation, dict(request), pattern)
        return self._faults.call(operation, dict(request), pattern)

    def close(self) -> None:
        """Nothing."""


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_run_of_which_nothing_is_heard_keeps_what_it_may_need(scene, carried_out):
    recorder = scene.recorder(Silent(Boto3Client(scene.judge.client), carried_out=carried_out), Steps())
    if carried_out:
        assert scene.record(recorder, "k1").consumed.charged, "what is stored tells"
    else:
        with pytest.raises(StoreUnavailable):
            scene.record(recorder, "k1")
    assert scene.runs() == carried_out
    again = scene.record(scene.recorder(Boto3Client(scene.judge.client), Steps()), "k1")
    assert again.consumed.charged is not carried_out
    assert scene.runs() == 1


def test_runs_that_meet_each_other_too_often_are_busy_and_not_over_their_limit(scene):
    client = RandomConflicts(Boto3Client(scene.judge.client), share=1, seed=1)
    with pytest.raises(StoreUnavailable):
        scene.record(scene.recorder(client, Steps()), "k1")
    assert scene.runs() == 0
    client = RandomConflicts(Boto3Client(scene.judge.client), share=0.5, seed=1)
    assert scene.record(scene.recorder(client, Steps()), "k1").consumed.charged
    assert client.count > 0
    assert scene.runs() == 1


type Other = Literal["the same request", "the last of the plan"]


@pytest.mark.parametrize("other", ["the same request", "the last of the plan"])
def test_what_another_request_comes_before_leaves_nothing(new_judge, other: Other):
    scene = Scene(new_judge(), limit=1)

    def come_first() -> None:
        scene.record(
            scene.recorder(Boto3Client(scene.judge.client), Steps()), "k1" if other == "the same request" else "k2"
        )

    at = KEYED.index("TransactWriteItems") + 1
    recorder = scene.stepped(Steps(act_before_step(at, come_first)))
    if other == "the same request":
        assert scene.record(recorder, "k1").consumed.charged is False
    else:
        with pytest.raises(Exception, match=r"Daily execution limit exceeded \(1/1\)"):
            scene.record(recorder, "k1")
    assert scene.runs() == len(kinds(scene.judge, "hbody")) == len(scene.objects) == 1
