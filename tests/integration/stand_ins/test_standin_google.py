"""The stand-in of Google's sign-in refuses what Google refuses. Its client here is written by hand, check by check."""

import base64
import hashlib
from html import unescape
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from cdk_app.services.algoitny.google.app import google_app
from cdk_app.services.algoitny.google.world import ADMINISTRATOR, CLIENT_ID, SAMPLE_PEOPLE, World
from cdk_app.services.stand_ins.answers import json_answer
from tests.support import loopback
from tests.support.http_server import ThreadedServer

NOW = 1_767_225_600
REDIRECT = "http://localhost:5173/callback"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ANN = SAMPLE_PEOPLE[0]
GOOD = {
    "client_id": CLIENT_ID, "redirect_uri": REDIRECT, "response_type": "code", "scope": "openid email profile",
    "state": "s1", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
}  # fmt: skip


class Client:
    """Somebody who speaks to the stand-in by the book, or not, where a test says so."""

    def __init__(self):
        self.now = NOW
        self.world = World(seconds=lambda: self.now, client_secret="client-secret")
        self.server = ThreadedServer(google_app(self.world))
        self.web = loopback.client(self.server.url, timeout=10)

    def stop(self):
        self.web.close()
        self.server.stop()

    def decide(self, account=ANN.email, **changes):
        return self.web.post("/decide", data={**GOOD, **changes, "account": account})

    def code(self, **changes):
        back = self.decide(**changes).headers["location"]
        return parse_qs(urlsplit(back).query)["code"][0]

    def exchange(self, code, **changes):
        form = {
            "grant_type": "authorization_code", "code": code, "client_id": CLIENT_ID, "client_secret": "client-secret",
            "redirect_uri": REDIRECT, "code_verifier": VERIFIER,
        }  # fmt: skip
        given = {name: value for name, value in {**form, **changes}.items() if value is not None}
        return self.web.post("/token", data=given)

    def error(self, code, **changes):
        answer = self.exchange(code, **changes)
        return answer.status_code, answer.json()["error"]


@pytest.fixture
def client():
    made = Client()
    yield made
    made.stop()


def test_thirty_people_and_an_administrator_are_there(client):
    accounts = client.web.get("/").json()["accounts"]

    assert len(accounts) == 31
    assert list(accounts)[-1] == ADMINISTRATOR.email == "admin@algoitny.example"
    assert len({person.sub for person in client.world.people.values()}) == 31


def test_a_person_is_chosen_and_the_code_becomes_a_token_that_the_published_key_signed(client):
    page = client.web.get("/authorize", params={**GOOD, "login_hint": SAMPLE_PEOPLE[4].email})
    assert page.status_code == 200
    assert page.text.count('name="account"') == 32
    assert page.text.index(SAMPLE_PEOPLE[4].email) < page.text.index(ANN.email)

    back = urlsplit(client.decide().headers["location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == REDIRECT
    query = parse_qs(back.query)
    assert query["state"] == ["s1"]
    answer = client.exchange(query["code"][0])

    assert (answer.status_code, answer.json()["token_type"]) == (200, "Bearer")
    text = answer.json()["id_token"]
    certs = client.web.get("/certs")
    assert certs.headers["cache-control"].startswith("public, max-age=3600")
    (jwk,) = certs.json()["keys"]
    assert jwt.get_unverified_header(text) == {"alg": "RS256", "kid": jwk["kid"], "typ": "JWT"}
    claims = jwt.decode(text, jwt.PyJWK(jwk), algorithms=["RS256"], audience=CLIENT_ID, options={"verify_exp": False})
    assert claims == {
        "iss": "https://accounts.google.com", "azp": CLIENT_ID, "aud": CLIENT_ID, "sub": ANN.sub, "email": ANN.email,
        "email_verified": True, "name": ANN.name, "iat": NOW, "exp": NOW + 3600,
    }  # fmt: skip


def test_a_code_works_once_and_for_a_minute(client):
    code = client.code()
    assert client.exchange(code).status_code == 200
    assert client.error(code) == (400, "invalid_grant")
    late = client.code()
    client.now += 60
    assert client.error(late) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "another"}, (401, "invalid_client")),
        ({"client_secret": "guessed"}, (401, "invalid_client")),
        ({"client_secret": None}, (401, "invalid_client")),
        ({"grant_type": "refresh_token"}, (400, "unsupported_grant_type")),
        ({"code": "4/0guessed"}, (400, "invalid_grant")),
        ({"redirect_uri": "http://localhost:5173/other"}, (400, "redirect_uri_mismatch")),
        ({"code_verifier": "x" * 43}, (400, "invalid_grant")),
        ({"code_verifier": "x"}, (400, "invalid_grant")),
        ({"code_verifier": None}, (400, "invalid_grant")),
    ],
)
def test_an_exchange_that_does_not_fit_is_refused(client, changes, error):
    assert client.error(changes.pop("code", client.code()), **changes) == error


def test_a_verifier_without_a_challenge_is_refused(client):
    code = client.code(code_challenge="", code_challenge_method="")

    assert client.error(code) == (400, "invalid_grant")
    assert client.exchange(client.code(code_challenge=""), code_verifier=None).status_code == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("client_id", "another"), ("redirect_uri", "https://evil.example/"), ("redirect_uri", ""),
        ("redirect_uri", "http://localhost.evil.example/"), ("redirect_uri", "http://localhost:5173/\n"),
        ("response_type", "token"), ("scope", "email"), ("code_challenge", "short"), ("code_challenge_method", "plain"),
    ],
)  # fmt: skip
def test_a_request_that_is_wrong_leads_nowhere(client, name, value):
    asked = {**GOOD, name: value}

    for answer in (client.web.get("/authorize", params=asked), client.web.post("/decide", data=asked)):
        assert answer.status_code == 400
        assert "cannot go on" in answer.text


def test_who_refuses_goes_back_without_a_code(client):
    query = parse_qs(urlsplit(client.decide(account="").headers["location"]).query)

    assert query == {"error": ["access_denied"], "state": ["s1"]}


def test_without_an_address_to_go_back_to_the_code_is_shown(client):
    page = client.decide(redirect_uri="postmessage")
    code = unescape(page.text.partition("<code>")[2].partition("</code>")[0])

    assert client.exchange(code, redirect_uri="postmessage").status_code == 200


def test_what_a_page_carries_is_only_text(client):
    page = client.web.get("/authorize", params={**GOOD, "state": '"><script>alert(1)</script>'})

    assert "<script>" not in page.text


def test_a_test_can_order_what_goes_wrong(client):
    client.world.order("certs", json_answer({}, status=503))

    assert [client.web.get("/certs").status_code for _ in range(2)] == [503, 200]
    assert client.world.calls["certs"] == 2
