"""Signing in to nbhd.city in tests: the real service, the stand-in of BlueSky, and somebody with a browser.

house = ...                                   # fixture `sign_in`
browser = house.browser()
browser.login().choose("did:plc:alice")       # to the authorization server, and back with a code
location = browser.callback().headers["location"]
"""

import base64
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import httpx

from cdk_app.services.nbhd_city.bluesky.app import bluesky_app
from cdk_app.services.nbhd_city.bluesky.world import World
from cdk_app.services.registry import BLUESKY
from lambda_src.dynamo.values import from_item
from lambda_src.runtime.outside import Http
from lambda_src.services.nbhd_city.bootstrap.api import build_api
from lambda_src.services.nbhd_city.bootstrap.common import Surroundings
from lambda_src.services.nbhd_city.clients.proofs import new_key
from lambda_src.services.nbhd_city.handlers.routes import create
from lambda_src.services.nbhd_city.service.tokens import AccessTokens
from lambda_src.services.nbhd_city.settings import ApiSettings
from tests.support.http_server import ThreadedServer
from tests.support.played import PlayedQueue, TestClock

API = "http://localhost:8004"
PAGE = "http://localhost:5173"
OTHER_PAGE = "https://nbhd.example"
CLIENT_SECRET = "canary-client-secret"
PASSWORD = "canary-password-ä"


def key_text(*, fill: int = 7, size: int = 32) -> str:
    return base64.urlsafe_b64encode(bytes([fill]) * size).rstrip(b"=").decode()


def app_secret() -> dict[str, Any]:
    """What the secret holds in a deployment."""
    return {
        "jwt": {"current": {"kid": "k1", "key": key_text()}, "previous": []},
        "oauth": {"client_secret": CLIENT_SECRET, "client_jwk": {**json.loads(new_key()), "kid": "client-1"}},
        "test_login": {
            "users": [
                {"username": "tess", "password": PASSWORD, "did": "did:plc:tess", "handle": "tess.test"},
                {"username": "theo", "password": "another", "did": "did:plc:theo", "display_name": "Theo"},
            ]
        },
    }


@dataclass
class HeldSecret:
    """A secret without Secrets Manager. held: what it says now; changes show after `refresh` only."""

    held: dict[str, Any] = field(default_factory=app_secret)
    refreshed: int = 0

    def __post_init__(self) -> None:
        self._read = json.loads(json.dumps(self.held))

    def section(self, name: str) -> Mapping[str, object]:
        value = self._read.get(name, {})
        assert isinstance(value, dict)
        return value

    def refresh(self) -> None:
        self.refreshed += 1
        self._read = json.loads(json.dumps(self.held))


class Browser:
    """Somebody with a browser: keeps the cookies, and goes where it is sent."""

    def __init__(self, house: "SignInHouse") -> None:
        self.house = house
        self.cookies: dict[str, str] = {}
        self.started: httpx.Response | None = None
        self.back = ""

    def login(self, **params: str) -> Self:
        """Press `Sign in` on the page; the answer is in `started`."""
        self.started = self.house.api.get("/auth/login", params=params)
        self.cookies |= dict(self.started.cookies)
        self.house.api.cookies.clear()  # browsers keep them, not the wire
        return self

    @property
    def sign_in_page(self) -> str:
        assert self.started is not None
        assert self.started.status_code == 302, self.started.text
        return self.started.headers["location"]

    def choose(self, account: str = "did:plc:alice") -> Self:
        """Choose an account at the authorization server, or "" to refuse; `back` is where one is sent then."""
        page = self.house.web.get(self.sign_in_page)
        assert page.status_code == 200, page.text
        request_uri = page.text.partition('name="request_uri" value="')[2].partition('"')[0]
        decision = {"request_uri": request_uri, "account": account}
        answer = self.house.web.post(f"{self.house.server.url}/decide", data=decision)
        assert answer.status_code == 303, answer.text
        self.back = answer.headers["location"]
        return self

    def callback(self, url: str | None = None, *, api: httpx.Client | None = None, cookies: bool = True) -> Any:
        """Go back to the product: what its answer is."""
        target = (url or self.back).removeprefix(API)
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if cookies else {}
        return (api or self.house.api).get(target, headers=headers)

    def sign_in(self, account: str = "did:plc:alice") -> Any:
        """The whole way: the body of the token answer."""
        code = answered(self.login().choose(account).callback())["code"]
        answer = self.house.api.post("/auth/token", json={"code": code})
        assert answer.status_code == 200, answer.text
        return answer.json()


def answered(response: httpx.Response) -> dict[str, str]:
    """What the callback tells the page."""
    assert response.status_code == 302, response.text
    return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()}


class SignInHouse:
    """The service in one process, or `other` in a second one over the same table, and the stand-in they talk to."""

    def __init__(
        self, *, client: Any, names: Mapping[str, str], profile: str = "atproto", resolve: Any = None, **settings: Any
    ) -> None:
        self.clock = TestClock()
        self.world = World(seconds=lambda: self.clock().timestamp(), client_secret=CLIENT_SECRET, fetch=self._fetch)
        self.server = ThreadedServer(bluesky_app(self.world))
        self.secret = HeldSecret()
        self.client = client
        self.counted: list[tuple[str, Mapping[str, str]]] = []
        self.measured: list[tuple[str, Mapping[str, str]]] = []
        values: dict[str, Any] = {
            "environment": "local",
            "dynamodb_table_name": names["main"],
            "nbhd_task_queue_url": "http://queue.test/tasks",
            "app_secret_arn": "app",
            "frontend_origins": f"{PAGE}, {OTHER_PAGE}",
            "cors_allowed_origins": PAGE,
            "api_base_url": API,
            "oauth_profile": profile,
            "allow_insecure_upstreams": True,
            **{name.lower(): value for name, value in BLUESKY.variables(self.server.url).items()},
            **settings,
        }
        self.settings = ApiSettings(**values)
        self.web = httpx.Client(timeout=30)  # one, since making one takes longer than a request
        self._servers = [self.server]
        self._clients: list[httpx.Client | Http] = [self.web]
        self.api = self.another_process(resolve=resolve)

    def another_process(self, *, resolve: Any = None, **settings: Any) -> httpx.Client:
        """A client of one more process of the service, over the same table and secret."""
        surroundings = Surroundings(
            client=self.client, queue=PlayedQueue(), count=self._count, measure=self._measure, clock=self.clock
        )
        options = {} if resolve is None else {"resolve": resolve}
        http = surroundings.http()
        self.parts = parts = build_api(
            self.settings.model_copy(update=settings), surroundings, secret=self.secret, http=http, **options
        )
        server = ThreadedServer(create(parts, inline_endpoints=False))
        opened = httpx.Client(base_url=server.url, timeout=30)
        self._clients += (opened, http)
        self._servers.append(server)
        return opened

    @property
    def tokens(self) -> AccessTokens:
        """Of the newest process."""
        return self.parts.tokens

    def browser(self) -> Browser:
        return Browser(self)

    def items(self) -> list[dict[str, Any]]:
        """Every item of the table."""
        page = self.client.scan(TableName=self.settings.dynamodb_table_name, ConsistentRead=True)
        return [from_item(item) for item in page["Items"]]

    def stop(self) -> None:
        for opened in self._clients:
            opened.close()
        with ThreadPoolExecutor() as threads:  # each takes a tenth of a second to notice
            list(threads.map(ThreadedServer.stop, self._servers))

    def _count(self, name: str, /, **by: str) -> None:
        self.counted.append((name, by))

    def _measure(self, name: str, milliseconds: float, /, **by: str) -> None:
        assert milliseconds > 0
        self.measured.append((name, by))

    def _fetch(self, url: str) -> Mapping[str, Any]:
        """A document of the client, as the authorization server reads it."""
        answer = self.api.get(url.removeprefix(API))
        if answer.status_code != 200:
            raise ValueError(f"{url}: {answer.status_code}")
        body = answer.json()
        assert isinstance(body, dict)
        return body
