"""Signing in to nbhd.city in tests: the real service, the stand-in of BlueSky, and somebody with a browser.

city = ...                                   # fixture `sign_in`
browser = city.browser()
browser.login().choose("did:plc:alice")       # to the authorization server, and back with a code
location = browser.callback().headers["location"]
"""

import base64
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import httpx

from cdk_app.services.nbhd_city.bluesky.app import bluesky_app
from cdk_app.services.nbhd_city.bluesky.world import World
from cdk_app.services.registry import BLUESKY
from lambda_src.services.nbhd_city.sign_in.atproto import new_key
from tests.support import loopback
from tests.support.http_server import ThreadedServer
from tests.support.nbhd_city import PlayedCity
from tests.support.played import HeldSecret, TestClock

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


class Browser:
    """Somebody with a browser: keeps the cookies, and goes where it is sent."""

    def __init__(self, city: "PlayedSignIn") -> None:
        self.city = city
        self.cookies: dict[str, str] = {}
        self.started: httpx.Response | None = None
        self.back = ""

    def login(self, **params: str) -> Self:
        """Press `Sign in` on the page; the answer is in `started`."""
        self.started = self.city.api.get("/auth/login", params=params)
        self.cookies |= dict(self.started.cookies)
        self.city.api.cookies.clear()  # browsers keep them, not the wire
        return self

    @property
    def sign_in_page(self) -> str:
        assert self.started is not None
        assert self.started.status_code == 302, self.started.text
        return self.started.headers["location"]

    def choose(self, account: str = "did:plc:alice") -> Self:
        """Choose an account at the authorization server, or "" to refuse; `back` is where one is sent then."""
        page = self.city.web.get(self.sign_in_page)
        assert page.status_code == 200, page.text
        request_uri = page.text.partition('name="request_uri" value="')[2].partition('"')[0]
        decision = {"request_uri": request_uri, "account": account}
        answer = self.city.web.post(f"{self.city.server.url}/decide", data=decision)
        assert answer.status_code == 303, answer.text
        self.back = answer.headers["location"]
        return self

    def callback(self, url: str | None = None, *, api: httpx.Client | None = None, cookies: bool = True) -> Any:
        """Go back to the product: what its answer is."""
        target = (url or self.back).removeprefix(API)
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if cookies else {}
        return (api or self.city.api).get(target, headers=headers)

    def sign_in(self, account: str = "did:plc:alice") -> Any:
        """The whole way: the body of the token answer."""
        code = answered(self.login().choose(account).callback())["code"]
        answer = self.city.api.post("/auth/token", json={"code": code})
        assert answer.status_code == 200, answer.text
        return answer.json()


def answered(response: httpx.Response) -> dict[str, str]:
    """What the callback tells the page."""
    assert response.status_code == 302, response.text
    return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()}


class PlayedSignIn(PlayedCity):
    """The service in one process, or `other` in a second one over the same table, and the stand-in they talk to."""

    clock: TestClock

    def __init__(self, *, profile: str = "atproto", resolve: Any = None, **options: Any) -> None:
        self.clock = TestClock()
        self.world = World(seconds=lambda: self.clock().timestamp(), client_secret=CLIENT_SECRET, fetch=self._fetch)
        self.server = ThreadedServer(bluesky_app(self.world))
        self.web = loopback.client(timeout=30)
        self._others: list[PlayedCity] = []
        super().__init__(
            **{
                "clock": self.clock,
                "secret": HeldSecret(app_secret(), is_cached=True),
                "frontend_origins": f"{PAGE}, {OTHER_PAGE}",
                "cors_allowed_origins": PAGE,
                "api_base_url": API,
                "oauth_profile": profile,
                "allow_insecure_upstreams": True,
                **{name.lower(): value for name, value in BLUESKY.variables(self.server.url).items()},
                "api_options": {} if resolve is None else {"resolve": resolve},
                **options,
            }
        )

    def another_process(self, **options: Any) -> httpx.Client:
        """A client of one more process of the service, over the same table and secret."""
        shared = {"client": self.client, "names": self.names, "clock": self.clock, "secret": self.secret}
        given = {name: value for name, value in self._given.items() if name != "environment"}
        other = PlayedCity(**{**shared, **given, **options})
        other.metrics = self.metrics
        self._others.append(other)
        return other.api

    def browser(self) -> Browser:
        return Browser(self)

    def stop(self) -> None:
        self.web.close()
        with ThreadPoolExecutor() as threads:  # each takes a tenth of a second to notice
            list(threads.map(PlayedCity.stop, self._others))
            self.server.stop()
            super().stop()

    def _fetch(self, url: str) -> Mapping[str, Any]:
        """A document of the client, as the authorization server reads it."""
        answer = self.api.get(url.removeprefix(API))
        if answer.status_code != 200:
            raise ValueError(f"{url}: {answer.status_code}")
        body = answer.json()
        assert isinstance(body, dict)
        return body
