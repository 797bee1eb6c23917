"""Functions that hear of a table's changes are killed with kill -9 over them; nothing is lost and nothing counts twice.

Real processes, DynamoDB Local and its stream, SQS and S3 of the emulator, and the bridge that stands for Lambda's event
source mapping. Runs appear, are shown and hidden, disappear; hints become complete; some runs cannot be read; usage
logs expire, and some are deleted by hand. The long version starts the bridge and the engine anew meanwhile.
"""

import gzip
import json
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from cdk_app.local.dynamodb_local import DynamoDBLocal
from cdk_app.local.expiry import delete_expired
from cdk_app.local.ministack import QUICK
from cdk_app.local.streams.batches import Answer, Calls
from cdk_app.local.streams.bridge import StreamBridge
from cdk_app.local.streams.journal import Journal
from cdk_app.local.tables import DeployedTable
from lambda_src.dynamo.render import create_table_input
from lambda_src.dynamo.values import from_item, to_item, to_key
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.archive.rules import FILTERS as EXPIRED
from lambda_src.services.algoitny.models.histories import History, HistoryHint
from lambda_src.services.algoitny.models.usage import UsageCounter, UsageLog
from lambda_src.services.algoitny.models.users import User
from lambda_src.services.algoitny.statistics.rules import FILTERS as COUNTED
from tests.support.algoitny_functions import Function, FunctionName, FunctionPlan
from tests.support.algoitny_recount import Expected
from tests.support.ports import free_port
from tests.support.streams import Engine, stream_mapping

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sqs.client import SQSClient

SEED: Final = 1
USERS: Final = range(1, 8)
BEGINS_AT: Final = 1759924800000
LONG_AGO: Final = 1_700_000_000


@dataclass(frozen=True, slots=True)
class Size:
    """events: at least. kills: by function. restarts: of the bridge, and of the engine before every other one."""

    events: int
    kills: Mapping[FunctionName, int]
    restarts: int
    timeout_seconds: float


SMALL: Final = Size(events=150, kills={"stats": 5, "archiver": 1}, restarts=0, timeout_seconds=60)
LARGE: Final = Size(events=5_000, kills={"stats": 80, "archiver": 20}, restarts=10, timeout_seconds=900)


@dataclass
class Life:
    """What happens to a table. runs: those that are there; poison: what nobody can read; logs: that expired."""

    engine: Engine
    table: DeployedTable
    runs: dict[str, History] = field(default_factory=dict)
    poison: list[dict[str, Any]] = field(default_factory=list)
    logs: dict[str, UsageLog] = field(default_factory=dict)
    hints: int = 0
    expected: Expected = field(default_factory=Expected)
    events: int = 0
    _random: random.Random = field(default_factory=lambda: random.Random(SEED))

    def begin(self) -> None:
        for user_id in USERS:
            user = User(
                user_id=user_id, email=f"{user_id}@example.com", subscription_plan_id=1, created_at=1, updated_at=1
            )
            self._put(items.USER.item(user))

    def go_on(self) -> None:
        """One more event."""
        self.events += 1
        events: list[tuple[int, Callable[[], object]]] = [
            (60, self._appear), (15, self._turn), (7, self._disappear),
            (3, self._hint), (2, self._poison), (13, self._log),
        ]  # fmt: skip
        if not self.runs:
            self._appear()
            return
        [event] = self._random.choices([each for _, each in events], [weight for weight, _ in events])
        event()

    def end(self) -> None:
        """Add up what is there in the end."""
        for run in self.runs.values():
            self.expected.add(run, is_there=True)

    # ---- events ------------------------------------------------------------------------------------------------------

    def _run(self) -> History:
        pick = self._random
        return History(
            history_id=f"h{self.events}", user_id=pick.choice([*USERS, None]), platform=pick.choice(["baekjoon", "cf"]),
            problem_number=str(pick.randrange(40)), problem_title="A+B", language=pick.choice(["python", "c%23#"]),
            result_summary=pick.choice(["passed", "failed", "error"]), passed_count=1, failed_count=0, total_count=1,
            created_at=BEGINS_AT + self.events * 1000, updated_at=BEGINS_AT,
        )  # fmt: skip

    def _appear(self) -> None:
        run = self._run()
        self._keep(self._shown(run) if self._random.random() < 0.5 else run)

    def _turn(self) -> None:
        run = self._random.choice(list(self.runs.values()))
        self._keep(replace(run, is_code_public=False, timeline=None) if run.is_code_public else self._shown(run))

    def _disappear(self) -> None:
        run = self.runs.pop(self._random.choice(list(self.runs)))
        self._delete(items.HISTORY.key_of(run))
        self.expected.add(run, is_there=False)

    def _hint(self) -> None:
        user_id = self._random.choice(USERS)
        hint = HistoryHint(history_id=f"x{self.events}", user_id=user_id, created_at=1, updated_at=1)
        for status in ("PENDING", "COMPLETED"):
            self._put({**items.HISTORY_HINT.item(hint), "sts": status})
        self.expected.users[user_id]["hnt"] += 1

    def _poison(self) -> None:
        item = items.HISTORY.item(self._run())
        del item["lng"]
        self._put(item)
        self.poison.append(item)

    def _log(self) -> None:
        log = UsageLog(
            user_id=1, date="20231114", created_at=LONG_AGO * 1000 + self.events, action="execution",
            suffix=f"{self.events:012x}", expires_at=LONG_AGO + self.events,
        )  # fmt: skip
        key = items.USAGE_LOG.key_of(log)
        self._put(items.USAGE_LOG.item(log))
        if self._random.random() < 0.2:  # deleted by hand
            self._delete(key)
            return
        self.logs["|".join(key.values.values())] = log
        day = f"2023{self.events:04}"
        expiring = UsageCounter(user_id=1, date=day, action="hint", created_at=1, expires_at=LONG_AGO, value=1)
        self._put(items.USAGE_COUNTER.item(expiring))

    def _shown(self, run: History) -> History:
        shard = self._random.randrange(8)
        return replace(run, is_code_public=True, public_shard=shard, timeline=f"PUBLIC#{shard}")

    def _keep(self, run: History) -> None:
        self._put(items.HISTORY.item(run))
        self.runs[run.history_id] = run

    def _put(self, item: dict[str, Any]) -> None:
        self.engine.dynamodb.put_item(TableName=self.table.name, Item=to_item(item))

    def _delete(self, key: Any) -> None:
        self.engine.dynamodb.delete_item(TableName=self.table.name, Key=to_key(key.values))


@dataclass
class Scene:
    """Two functions at the end of a table's stream, with the bridge between them, and what they write to."""

    sqs: "SQSClient"
    s3: "S3Client"
    engine: Engine
    table: DeployedTable
    functions: Mapping[FunctionName, Function]
    queues: Mapping[FunctionName, str]
    bucket: str
    journal: Journal
    dead: list[Any] = field(default_factory=list)
    bridge: StreamBridge | None = None

    def start(self) -> None:
        self.bridge = StreamBridge(
            [
                stream_mapping(
                    self.table.name, *filters, name=name, function_arn=name, batch_size=10, bisects=True,
                    max_retries=10_000, on_failure_arn=name,
                )
                for name, filters in (("stats", COUNTED), ("archiver", EXPIRED))
            ],
            {self.table.name: self.table},
            dynamodb=self.engine.dynamodb,
            streams=self.engine.streams,
            journal=self.journal,
            calls=Calls(self._invoke, self._give_up, lambda _: None),
        )  # fmt: skip
        self.bridge.start()

    def stop(self) -> None:
        if self.bridge is not None:
            self.bridge.stop()

    @property
    def all_are_killed(self) -> bool:
        """Whether as many invocations were killed as should be. Raises AssertionError where none can be any more."""
        assert self.bridge is not None
        assert self.bridge.is_running
        return all(function.killed >= function.kills for function in self.functions.values())

    @property
    def told(self) -> str:
        return ", ".join(
            f"{name}: {each.killed} of {each.invocations} invocations killed" for name, each in self.functions.items()
        )

    def sweep(self) -> None:
        """Remove what has expired, as DynamoDB does."""
        delete_expired(self.engine.dynamodb, self.table, self.journal, now=time.time())

    def faults(self, life: Life) -> list[str]:
        """What is not as if each event had been handled once, in words."""
        pages = self.engine.dynamodb.get_paginator("scan").paginate(TableName=self.table.name, ConsistentRead=True)
        stored = [from_item(item) for page in pages for item in page["Items"]]
        self.look_at_dead()
        dead = {json.dumps(content["dynamodb"]["NewImage"], sort_keys=True) for content in self.dead}
        poison = {json.dumps(to_item(item), sort_keys=True) for item in life.poison}
        lines = self.archived()
        claims = {
            f"{len(dead)} of {len(poison)} records that nobody can read are set aside whole": dead == poison,
            f"{len(lines)} of {len(life.logs)} logs are archived": lines.keys() == life.logs.keys(),
            "a log is archived otherwise than it was": all(
                (line["user_id"], line["action"]) == (log.user_id, log.action)
                for log_id, line in lines.items()
                if (log := life.logs.get(log_id)) is not None
            ),
        }
        return life.expected.faults(stored) + [fault for fault, is_well in claims.items() if not is_well]

    def archived(self) -> dict[str, Any]:
        """The lines of the archive by log; one that was written twice counts once, as its readers count it."""
        lines: dict[str, Any] = {}
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket):
            for each in page.get("Contents", ()):
                content = self.s3.get_object(Bucket=self.bucket, Key=each["Key"])["Body"].read()
                found = [json.loads(line) for line in gzip.decompress(content).splitlines()]
                lines |= {line["log_id"]: line for line in found}
        return lines

    def look_at_dead(self) -> None:
        while found := self.sqs.receive_message(QueueUrl=self.queues["stats"], MaxNumberOfMessages=10).get("Messages"):
            self.dead += [json.loads(message["Body"]) for message in found]

    def _invoke(self, name: Any, event: Any) -> Answer:
        return self.functions[name].invoke(event)

    def _give_up(self, queue: str, text: str) -> None:
        raise AssertionError(f"nothing is given up, but {queue} was told {text}")


@pytest.fixture
def new_scene(cloud, tmp_path) -> Iterator[Callable[[str, Size], Scene]]:
    """`new_scene(endpoint, size)`: both functions ready, and a fresh table on that engine."""
    with ExitStack() as stack:

        def make(endpoint: str, size: Size) -> Scene:
            engine = stack.enter_context(closing(Engine(endpoint)))
            name, key = f"algoitny_main-{uuid.uuid4()}", uuid.uuid4().hex
            request = create_table_input(items.MAIN, name)
            engine.dynamodb.create_table(**request)
            table = DeployedTable(
                name=name, attributes=tuple(request["AttributeDefinitions"]), key_schema=tuple(request["KeySchema"]),
                indexes={}, stream_view="NEW_AND_OLD_IMAGES", ttl_attribute="ttl",
            )  # fmt: skip
            sqs = stack.enter_context(closing(cloud.session.client("sqs", endpoint_url=cloud.url, config=QUICK)))
            s3 = stack.enter_context(closing(cloud.session.client("s3", endpoint_url=cloud.url, config=QUICK)))
            queues = {each: sqs.create_queue(QueueName=f"{each}-{key}")["QueueUrl"] for each in size.kills}
            s3.create_bucket(Bucket=key)
            given = {
                "environment": "local", "algoitny_table_name": name, "algoitny_archive_bucket": key,
                "algoitny_stats_dlq_url": queues["stats"], "algoitny_archive_dlq_url": queues["archiver"],
            }  # fmt: skip
            functions = {
                each: Function(FunctionPlan(each, endpoint, cloud.url, given), kills).start()
                for each, kills in size.kills.items()
            }
            for function in functions.values():
                stack.callback(function.stop)
            journal = stack.enter_context(Journal(tmp_path / "streams.sqlite"))
            scene = Scene(sqs, s3, engine, table, functions, queues, key, journal)
            stack.callback(scene.stop)
            return scene

        yield make


def check(scene: Scene, size: Size, restart_engine: Callable[[], object] = lambda: None) -> None:
    life, ends_at = Life(scene.engine, scene.table), time.monotonic() + size.timeout_seconds
    every = size.events // (size.restarts + 1)
    life.begin()
    scene.start()
    while life.events < size.events or not scene.all_are_killed:
        life.go_on()
        if life.events % 20 == 0:
            scene.sweep()
        if life.events % every == 0 and life.events < size.events:
            scene.stop()
            if life.events // every % 2:
                restart_engine()
            scene.start()
        assert time.monotonic() < ends_at, scene.told
    life.end()
    while scene.faults(life):
        assert time.monotonic() < ends_at, (scene.told, scene.faults(life)[:5])
        scene.sweep()
        time.sleep(0.5)


@pytest.mark.long
def test_killed_functions_lose_nothing_and_count_nothing_twice(new_scene, dynamodb_endpoint):
    check(new_scene(dynamodb_endpoint, SMALL), SMALL)


@pytest.mark.soak
def test_a_hundred_kills_and_ten_restarts_lose_nothing_and_count_nothing_twice(new_scene, tmp_path):
    engine = DynamoDBLocal(free_port(), tmp_path / "engine")

    def restart() -> None:
        engine.stop()
        engine.start()
        engine.wait_until_ready()

    try:
        restart()
        check(new_scene(engine.endpoint_url, LARGE), LARGE, restart)
    finally:
        engine.stop()
