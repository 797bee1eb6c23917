"""nbhd.city on a test table: the real services over DynamoDB Local, with a queue whose deliveries a test plays.

city = ...                                             # fixture `new_city`
created = city.create("alice", "My Neighborhood")      # asserts the 201 and returns its body
city.join("bob", created["id"])                        # the answer of the API
city.drain()                                           # deliver every task until nothing is left
"""

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Final

import httpx

from lambda_src.runtime.secrets import Secret
from lambda_src.services.nbhd_city.messages import Task
from lambda_src.services.nbhd_city.models import Did, Identity, Membership, NbhdId
from lambda_src.services.nbhd_city.principals import AccessTokens
from lambda_src.services.nbhd_city.tables import COUNT_MEMBERS, MEMBERSHIP, NEIGHBORHOOD, PURGE_MEMBERS
from tests.support.played import HeldSecret, PlayedService

QUEUE: Final = "http://queue.test/tasks"
DLQ: Final = "http://queue.test/tasks-dlq"
ORIGIN: Final = "http://localhost:5173"
API_URL: Final = "https://api.nbhd.test"

type Json = dict[str, Any]


def token_key(text: str) -> str:
    """A key as the secret holds it."""
    return base64.urlsafe_b64encode(text.encode().ljust(32, b".")).rstrip(b"=").decode()


def app_secret() -> HeldSecret:
    """The application's secret; `held` may be changed by a test."""
    return HeldSecret({"jwt": {"current": {"kid": "k1", "key": token_key("one")}}})


def did(name: str) -> Did:
    return Did(f"did:plc:{name}")


class PlayedCity(PlayedService[Task]):
    """The service over a given table, with everything around it under control."""

    package = "nbhd_city"
    invocation_milliseconds = 60_000
    settings: ClassVar[Mapping[str, Any]] = {
        "nbhd_task_queue_url": QUEUE,
        "nbhd_task_dlq_url": DLQ,
        "app_secret_arn": "app",
        "frontend_origins": ORIGIN,
        "cors_allowed_origins": ORIGIN,
        "api_base_url": API_URL,
    }

    def __init__(self, *, secret: Secret | None = None, **options: Any) -> None:
        self.secret: Any = secret or app_secret()
        super().__init__(secrets={options.get("app_secret_arn", "app"): self.secret}, **options)

    # ---- requests of users -----------------------------------------------------------------------------------------

    @property
    def tokens(self) -> AccessTokens:
        return self.part(AccessTokens)

    def token(self, name: str, *, handle: str | None = None) -> str:
        """An access token of `did:plc:<name>`."""
        handle = handle or f"{name}.bsky.social"
        return self.tokens.issue(Identity(did(name), handle), method="bsky").text

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

    def seed_members(self, nbhd_id: str, members: Iterable[str], *, joined_at: str) -> None:
        """Members as they were before the test began, counted."""
        known = NbhdId(nbhd_id)
        items = [MEMBERSHIP.item(Membership(did(member), known, joined_at)) for member in members]
        self.store.batch_write(PURGE_MEMBERS, puts=items)
        item = self.metadata(nbhd_id)
        assert item is not None
        item |= {"member_count": item["member_count"] + len(items), "members_rev": item["members_rev"] + len(items)}
        self.put_items(item)

    # ---- what a test looks at --------------------------------------------------------------------------------------

    def metadata(self, nbhd_id: str) -> Json | None:
        return self.item(NEIGHBORHOOD.key(id=nbhd_id))

    def names_held(self) -> dict[str, str]:
        """Neighborhood by folded name, as the sentinels have it."""
        prefix = "NBHDNAME#"
        return {i["PK"].removeprefix(prefix): i["nbhd_id"] for i in self.items() if i["PK"].startswith(prefix)}

    def member_items(self, nbhd_id: str) -> int:
        return self.store.count(COUNT_MEMBERS, neighborhood_id=nbhd_id)

    def check_count(self, nbhd_id: str) -> int:
        """`member_count`, which must equal the number of members."""
        item = self.metadata(nbhd_id)
        assert item is not None
        assert item["member_count"] == self.member_items(nbhd_id)
        count: int = item["member_count"]
        return count


type MakeCity = Callable[..., PlayedCity]
