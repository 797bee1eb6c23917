"""nbhd.city on a test table: the real services over DynamoDB Local, with a queue whose deliveries a test plays.

house = ...                                             # fixture `nbhd_house`
created = house.create("alice", "My Neighborhood")      # asserts the 201 and returns its body
house.join("bob", created["id"])                        # the answer of the API
house.drain()                                           # deliver every task until nothing is left
"""

import base64
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import cached_property
from typing import Any, Final

import httpx
from boto3.dynamodb.conditions import Key

from lambda_src.dynamo.store import Store
from lambda_src.runtime.outside import Http
from lambda_src.runtime.usage import UsageSource
from lambda_src.runtime.worker import QueueWorker
from lambda_src.services.nbhd_city.bootstrap.api import build_api
from lambda_src.services.nbhd_city.bootstrap.common import Surroundings
from lambda_src.services.nbhd_city.bootstrap.worker import build_worker
from lambda_src.services.nbhd_city.handlers.routes import create
from lambda_src.services.nbhd_city.messages import Task
from lambda_src.services.nbhd_city.models import Did, Identity, NbhdId
from lambda_src.services.nbhd_city.repository.base import membership_item
from lambda_src.services.nbhd_city.settings import ApiSettings, WorkerSettings
from lambda_src.services.nbhd_city.tables import MAIN
from tests.support.http_server import ThreadedServer
from tests.support.played import FixedKeys, PlayedQueue, PlayedService, TestClock

QUEUE: Final = "http://queue.test/tasks"
DLQ: Final = "http://queue.test/tasks-dlq"
ORIGIN: Final = "http://localhost:5173"
API_URL: Final = "https://api.nbhd.test"

type Json = dict[str, Any]


def token_key(text: str) -> str:
    """A key as the secret holds it."""
    return base64.urlsafe_b64encode(text.encode().ljust(32, b".")).rstrip(b"=").decode()


class AppSecretInHand(FixedKeys):
    """The application's secret, without Secrets Manager; `held` may be changed by a test."""

    def __init__(self, held: Mapping[str, Any] | None = None) -> None:
        super().__init__({})
        self.held: dict[str, Any] = dict(held or {"jwt": {"current": {"kid": "k1", "key": token_key("one")}}})

    def section(self, name: str) -> Mapping[str, object]:
        value = self.held.get(name, {})
        assert isinstance(value, dict)
        return value


def did(name: str) -> Did:
    return Did(f"did:plc:{name}")


class NbhdHouse(PlayedService[Task]):
    """The service over a given table, with everything around it under control."""

    invocation_milliseconds = 60_000

    def __init__(
        self,
        *,
        client: Any,
        names: Mapping[str, str],
        clock: Callable[[], datetime] | None = None,
        secret: AppSecretInHand | None = None,
        queue: PlayedQueue | None = None,
        http: Http | None = None,
        **settings: Any,
    ) -> None:
        self.client = client
        self.names = names
        self.store = Store(client, names)
        self.clock = clock or TestClock()
        self.queue = queue or PlayedQueue()
        self.secret = secret or AppSecretInHand()
        self.counted_metrics: Counter[str] = Counter()
        self.api_settings = ApiSettings(**self._variables(ApiSettings, settings))
        self.worker_settings = WorkerSettings(**self._variables(WorkerSettings, settings))
        self.surroundings = Surroundings(
            client=client, queue=self.queue, count=self._count, clock=self.clock, sleep=lambda _: None
        )
        self.services = build_api(self.api_settings, self.surroundings, secret=self.secret, http=http)
        self._server = ThreadedServer(create(self.services, inline_endpoints=False))
        limits = httpx.Limits(max_connections=60, max_keepalive_connections=60)
        self.api = httpx.Client(base_url=self._server.url, timeout=60, limits=limits)

    @cached_property
    def worker(self) -> QueueWorker[Task]:
        return build_worker(self.worker_settings, self.surroundings)

    @property
    def usage(self) -> UsageSource:
        return self.services.usage

    def stop(self) -> None:
        self.api.close()
        self._server.stop()

    def _variables(self, of: type[ApiSettings | WorkerSettings], given: Mapping[str, Any]) -> Json:
        every = {
            "environment": "local",
            "dynamodb_table_name": self.names["main"],
            "nbhd_task_queue_url": QUEUE,
            "nbhd_task_dlq_url": DLQ,
            "app_secret_arn": "secret",
            "frontend_origins": ORIGIN,
            "cors_allowed_origins": ORIGIN,
            "api_base_url": API_URL,
            **given,
        }
        return {name: value for name, value in every.items() if name in of.model_fields}

    def _count(self, name: str, /, **_by: str) -> None:
        self.counted_metrics[name] += 1

    # ---- requests of users -----------------------------------------------------------------------------------------

    def token(self, name: str, *, handle: str | None = None) -> str:
        """An access token of `did:plc:<name>`."""
        handle = handle or f"{name}.bsky.social"
        return self.services.tokens.issue(Identity(did(name), handle), method="bsky").text

    def ask(self, method: str, path: str, *, by: str | None = None, **options: Any) -> httpx.Response:
        """A request of a user, or of a visitor."""
        headers = dict(options.pop("headers", {}))
        if by is not None:
            headers["Authorization"] = f"Bearer {self.token(by)}"
        return self.api.request(method, path, headers=headers, **options)

    def create(self, by: str, name: str, **fields: Any) -> Json:
        answer = self.ask("POST", "/api/nbhds", by=by, json={"name": name, **fields})
        assert answer.status_code == 201, answer.text
        body: Json = answer.json()
        return body

    def join(self, by: str, nbhd_id: str) -> httpx.Response:
        return self.ask("POST", f"/api/nbhds/{nbhd_id}/join", by=by)

    def leave(self, by: str, nbhd_id: str) -> httpx.Response:
        return self.ask("DELETE", f"/api/nbhds/{nbhd_id}/leave", by=by)

    def detail(self, nbhd_id: str, *, by: str | None = None, **params: Any) -> Json:
        answer = self.ask("GET", f"/api/nbhds/{nbhd_id}", by=by, params=params)
        assert answer.status_code == 200, answer.text
        body: Json = answer.json()
        return body

    def all_at_once(self, *requests: Callable[[], httpx.Response], threads: int = 30) -> list[httpx.Response]:
        with ThreadPoolExecutor(threads) as pool:
            return [future.result() for future in [pool.submit(request) for request in requests]]

    def seed_members(self, nbhd_id: str, members: Iterable[str], *, joined_at: str) -> None:
        """Members as they were before the test began, counted."""
        known = NbhdId(nbhd_id)
        puts = [membership_item(known, did(member), joined_at) for member in members]
        self.store.batch_write(MAIN, puts=puts)
        item = self.metadata(nbhd_id)
        assert item is not None
        item |= {"member_count": item["member_count"] + len(puts), "members_rev": item["members_rev"] + len(puts)}
        self.store.put(MAIN, item)

    # ---- deliveries ------------------------------------------------------------------------------------------------

    def drain(self) -> None:
        """Deliver every task until nothing is left."""
        for _ in range(1_000):
            messages = self.queue.take()
            if not messages:
                return
            assert self.deliver(*messages) == []
        raise AssertionError("the queue never runs dry")

    # ---- what a test looks at --------------------------------------------------------------------------------------

    def metadata(self, nbhd_id: str) -> Json | None:
        return self.store.get(MAIN, {"PK": f"NBHD#{nbhd_id}", "SK": "METADATA"}, consistent=True)

    def names_held(self) -> dict[str, str]:
        """Neighborhood by folded name, as the sentinels have it."""
        prefix = "NBHDNAME#"
        return {i["PK"].removeprefix(prefix): i["nbhd_id"] for i in self.items() if i["PK"].startswith(prefix)}

    def member_items(self, nbhd_id: str) -> int:
        key = Key("PK").eq(f"NBHD#{nbhd_id}") & Key("SK").begins_with("MEMBER#")
        return self.store.count(MAIN, key, consistent=True)

    def check_count(self, nbhd_id: str) -> int:
        """`member_count`, which must equal the number of members."""
        item = self.metadata(nbhd_id)
        assert item is not None
        assert item["member_count"] == self.member_items(nbhd_id)
        count: int = item["member_count"]
        return count


type MakeNbhdHouse = Callable[..., NbhdHouse]


@contextmanager
def houses(client: Any, make_names: Callable[[], Mapping[str, str]]) -> Iterator[MakeNbhdHouse]:
    """`make(clock=..., nbhd_list_shards=8)`: every part has a default, a fresh table too; they stop at the end.

    `make(names=other.names)` is one more process over the table of another.
    """
    with ExitStack() as stack:

        def make(**options: Any) -> NbhdHouse:
            names = options.pop("names", None) or make_names()
            house = NbhdHouse(**{"client": client, "names": names, **options})
            stack.callback(house.stop)
            return house

        yield make
