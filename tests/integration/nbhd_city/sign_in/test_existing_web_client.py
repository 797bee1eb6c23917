"""The calls of the web client that was there before, in the order its pages make them, with all it relies on.

It reads the token out of the address of its callback page, asks for the list with `skip=0&limit=100`, says JSON even
where it sends no body, shows `detail` of whatever fails, and takes 404 of `/api/users/me` as: fill in a profile first.
"""

from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import pytest

from lambda_src.services.nbhd_city.settings import ApiSettings
from tests.infra.variants import SYNTHESISED
from tests.support.assembly import Assembly, synthesised_once
from tests.support.sign_in import PAGE, PlayedSignIn, answered

NOW = "2025-01-15T08:30:00.123000Z"


class WebClient:
    """One browser tab of somebody."""

    def __init__(self, city: PlayedSignIn) -> None:
        self.city = city
        self.token = ""

    def sign_in(self, account: str) -> Self:
        """The way over the callback page, as it is and as it should become: with the token, or with a code for it."""
        back = self.city.browser().login().choose(account).callback()
        address = urlsplit(back.headers["location"])
        assert f"{address.scheme}://{address.netloc}{address.path}" == f"{PAGE}/callback.html"
        told = answered(back)
        self.token = told["token"] if "token" in told else self._exchanged(told["code"])
        return self

    def _exchanged(self, code: str) -> str:
        body = self.ask("POST", "/auth/token", 200, json={"code": code}).json()
        assert body.keys() == {"access_token", "token_type", "expires_in", "user"}
        assert body["user"].keys() == {"id", "handle", "display_name", "avatar", "created_at"}
        token: str = body["access_token"]
        return token

    def ask(self, method: str, path: str, status: int, **options: Any) -> httpx.Response:
        """A call as its library makes it; the page may read the answer, whatever it is."""
        headers = {"Origin": PAGE, "Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        answer = self.city.api.request(method, path, headers=headers, **options)
        assert answer.status_code == status, answer.text
        assert answer.headers["Access-Control-Allow-Origin"] == PAGE
        assert answer.headers["X-Request-Id"]
        return answer

    def shown(self, method: str, path: str, status: int, **options: Any) -> str:
        """What it shows of an error."""
        answer = self.ask(method, path, status, **options)
        assert answer.headers["Content-Type"] == "application/problem+json"
        problem = answer.json()
        assert {"detail", "code", "request_id"} <= problem.keys()
        assert problem["request_id"] == answer.headers["X-Request-Id"]
        assert isinstance(problem["detail"], str)
        return problem["detail"]


@pytest.fixture(params=["token", "code"])
def tabs(request, make_city):
    """Alice and Bob, signed in, and a visitor."""
    city = make_city(callback_mode=request.param)
    return WebClient(city).sign_in("did:plc:alice"), WebClient(city).sign_in("did:plc:bob"), WebClient(city)


def test_people_sign_in_create_join_and_leave_as_they_did_before(tabs):
    alice, bob, visitor = tabs

    me = alice.ask("GET", "/auth/me", 200).json()
    assert (me["user_id"], me["authenticated"], me["handle"]) == ("did:plc:alice", True, "alice.bsky.social")
    alice.shown("GET", "/api/users/me", 404)
    blank = {"display_name": "Alice", "avatar": "", "bio": "", "location": "", "email": ""}
    profile = alice.ask("POST", "/api/users/me/profile", 201, json=blank).json()
    assert alice.ask("GET", "/api/users/me", 200).json() == profile

    listed = visitor.ask("GET", "/api/nbhds", 200, params={"skip": 0, "limit": 100})
    assert listed.json() == []
    assert listed.headers.keys().isdisjoint({"x-next-cursor", "link"})

    created = alice.ask("POST", "/api/nbhds", 201, json={"name": "Corner Café", "description": ""})
    home = created.json()
    address = f"/api/nbhds/{home['id']}"
    assert created.headers["Location"] == address
    assert home == {
        "id": home["id"],
        "name": "Corner Café",
        "description": "",
        "created_by": "did:plc:alice",
        "created_at": NOW,
        "updated_at": NOW,
        "member_count": 1,
    }
    assert visitor.ask("GET", "/api/nbhds", 200, params={"skip": 0, "limit": 100}).json() == [home]

    joined = bob.ask("POST", f"{address}/join", 201).json()
    assert joined == {"message": "Successfully joined nbhd", "nbhd_id": home["id"]}
    home["member_count"] = 2
    members = [{"id": did, "user_id": did, "joined_at": NOW} for did in ("did:plc:alice", "did:plc:bob")]
    page = {**home, "members": members, "members_next_cursor": None}
    assert visitor.ask("GET", address, 200).json() == {**page, "is_member": None}
    assert bob.ask("GET", address, 200).json() == {**page, "is_member": True}
    assert bob.ask("GET", "/api/users/me/nbhds", 200).json() == {"neighborhoods": [home], "next_cursor": None}

    assert bob.ask("DELETE", f"{address}/leave", 204).content == b""
    assert bob.ask("GET", "/api/users/me/nbhds", 200).json() == {"neighborhoods": [], "next_cursor": None}
    after = bob.ask("GET", address, 200).json()
    assert (after["member_count"], after["members"], after["is_member"]) == (1, members[:1], False)

    assert bob.ask("POST", "/auth/logout", 200).json() == {"message": "Successfully logged out"}


def test_what_is_refused_has_a_text_to_show(tabs):
    alice, bob, visitor = tabs
    home = alice.ask("POST", "/api/nbhds", 201, json={"name": "Corner Café"}).json()
    address = f"/api/nbhds/{home['id']}"

    assert "already exists" in bob.shown("POST", "/api/nbhds", 409, json={"name": "CORNER CAFÉ"})
    assert "already a member" in alice.shown("POST", f"{address}/join", 409)
    bob.shown("DELETE", f"{address}/leave", 404)
    bob.shown("GET", "/api/nbhds/1", 404)  # its ids were numbers once
    alice.shown("POST", "/api/nbhds", 422, json={"name": ""})
    alice.shown("GET", "/api/nbhds", 422, params={"skip": 100, "limit": 100})
    visitor.shown("POST", f"{address}/join", 401)
    visitor.token = "dev-token-no-auth"
    visitor.shown("GET", "/api/users/me/nbhds", 401)
    assert visitor.ask("GET", "/api/nbhds", 200).json() == [home], "what needs no token does not ask for a good one"


def test_a_longer_list_leads_on_by_headers_that_a_page_may_read(tabs):
    alice, _, visitor = tabs
    for name in ("One", "Two"):
        alice.city.clock.forward(seconds=1)
        alice.ask("POST", "/api/nbhds", 201, json={"name": name})

    first = visitor.ask("GET", "/api/nbhds", 200, params={"skip": 0, "limit": 1})

    cursor = first.headers["X-Next-Cursor"]
    link = f'<{alice.city.api_settings.api_base_url}/api/nbhds?limit=1&cursor={cursor}>; rel="next"'
    assert first.headers["Link"] == link
    readable = {name.strip().lower() for name in first.headers["Access-Control-Expose-Headers"].split(",")}
    assert {"x-next-cursor", "link"} <= readable
    second = visitor.ask("GET", "/api/nbhds", 200, params={"limit": 1, "cursor": cursor})
    assert [each["name"] for each in (*first.json(), *second.json())] == ["Two", "One"]
    assert "X-Next-Cursor" not in second.headers


def test_the_callback_mode_of_an_environment_reaches_the_page(make_city, tmp_path_factory, worker_id, monkeypatch):
    base = tmp_path_factory.getbasetemp()
    folder = synthesised_once(base if worker_id == "master" else base.parent, *SYNTHESISED)
    for name, expected in (("token-callback", "token"), ("staging", "code")):
        stack = Assembly("staging", folder / name).templates["NbhdCityApp"]
        variables = stack.properties("AWS::Lambda::Function", "ApiFunction")["Environment"]["Variables"]
        for variable, value in variables.items():
            monkeypatch.setenv(variable, value if isinstance(value, str) else "of the deployment")

        mode = ApiSettings.from_environment().callback_mode
        client = WebClient(make_city(environment="staging", callback_mode=mode))

        told = answered(client.city.browser().login().choose().callback())
        assert told.keys() == {expected}
        monkeypatch.delenv("CALLBACK_MODE", raising=False)
