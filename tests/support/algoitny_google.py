"""AlgoItny and the stand-in of Google in one test: people with Google accounts, and what they bring from there."""

import base64
import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric import rsa

from cdk_app.services.algoitny.google.app import google_app
from cdk_app.services.algoitny.google.world import Person, World
from lambda_src.services.algoitny import items
from tests.support import loopback
from tests.support.algoitny import PlayedJudge
from tests.support.http_server import ThreadedServer

CLIENT: Final = "client-1"
REDIRECT: Final = "http://localhost:5173/callback"
VERIFIER: Final = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
ANN: Final = Person(sub="108", email="Ann@Example.com", name="Ann", picture="https://pictures.example/ann")
BOB: Final = Person(sub="109", email="bob@example.com", name="Bob")


@cache
def _key() -> rsa.RSAPrivateKey:
    """One for all tests of a process: making it takes a tenth of a second."""
    return rsa.generate_private_key(65_537, 2_048)


class PlayedGoogle:
    """The stand-in at work. judge: made by `make`, which knows where it is, with settings by name."""

    def __init__(self, make: Callable[..., PlayedJudge], **settings: Any) -> None:
        self.world = World(
            people=(ANN, BOB),
            client_ids=(CLIENT, "client-2"),
            client_secret="google-secret",
            seconds=self._seconds,
            key=_key(),
        )
        self.server = ThreadedServer(google_app(self.world))
        self.web = loopback.client(self.server.url, timeout=10)
        self._settings = {
            "google_jwks_url": f"{self.server.url}/certs", "google_token_url": f"{self.server.url}/token", **settings,
        }  # fmt: skip
        self._make = make
        self.judge = self.another_judge()

    def _seconds(self) -> float:
        return self.judge.resources.seconds()

    def another_judge(self, **options: Any) -> PlayedJudge:
        return self._make(**self._settings, **options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.web.close()
        self.server.stop()

    def token(self, person: Person = ANN, *, client: str = CLIENT, **changes: Any) -> str:
        return self.world.id_token(person, client, **changes)

    def code(self, person: Person = ANN, **changes: str) -> str:
        """A code for somebody who chose to be this person on Google's page."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "client_id": CLIENT, "redirect_uri": REDIRECT, "response_type": "code", "scope": "openid email profile",
            "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        page = self.web.post("/decide", data={**asked, **changes, "account": person.email})
        if changes.get("redirect_uri") == "postmessage":
            return page.text.partition("<code>")[2].partition("</code>")[0]
        return parse_qs(urlsplit(page.headers["location"]).query)["code"][0]

    def sign_in(self, person: Person = ANN, *, plan: str | None = None, **changes: Any) -> httpx.Response:
        """What the API answers to an ID token of somebody."""
        more = {} if plan is None else {"plan": plan}
        return self.post("google", id_token=self.token(person, **changes), **more)

    def post(self, route: str, **body: Any) -> httpx.Response:
        return self.judge.ask("POST", f"/api/auth/{route}", json=body)

    def signed_in(self, person: Person = ANN) -> dict[str, Any]:
        answer = self.sign_in(person)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def knock(self, access: str) -> tuple[int, str]:
        """What comes of an access token on a route that wants one; 404 is what a good one gets there."""
        answer = self.judge.ask("GET", "/api/tasks/none", headers={"Authorization": f"Bearer {access}"})
        return answer.status_code, answer.json()["code"]

    def users(self) -> list[dict[str, Any]]:
        return [item for item in self.judge.items() if item.get("tp") == "usr"]

    def plant(self, **fields: Any) -> int:
        """An account of Ann's address that has no Google account yet, unless `google_id` is among the fields."""
        return self.judge.user("ann@example.com", **fields).user_id

    def stored(self, user_id: int) -> dict[str, Any]:
        found = self.judge.item(items.USER.key(user_id=user_id))
        assert found is not None
        return found
