"""The stand-in of BlueSky refuses what the real servers refuse. Its client here is written by hand, check by check."""

import base64
import hashlib
import json
import subprocess
import sys
from time import monotonic, sleep
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from cdk_app.services.nbhd_city.bluesky.app import bluesky_app
from cdk_app.services.nbhd_city.bluesky.proofs import ASSERTION_TYPE
from cdk_app.services.nbhd_city.bluesky.world import World
from cdk_app.services.registry import BLUESKY
from tests.support import loopback
from tests.support.http_server import ThreadedServer
from tests.support.ports import free_port

NOW = 1_767_225_600
CLIENT = "https://app.example/client.json"
REDIRECT = "https://app.example/callback"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
GOOD_REQUEST = {
    "client_id": CLIENT,
    "redirect_uri": REDIRECT,
    "response_type": "code",
    "scope": "atproto",
    "state": "s1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def new_key():
    return json.loads(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1())))


def public(jwk):
    return {name: jwk[name] for name in ("kty", "crv", "x", "y")}


class Client:
    """Somebody who speaks to the stand-in by the book, or not, where a test says so."""

    def __init__(self):
        self.now = NOW
        self.client_key = {**new_key(), "kid": "c1"}
        self.dpop_key = new_key()
        self.documents = {
            CLIENT: {
                "client_id": CLIENT,
                "redirect_uris": [REDIRECT],
                "dpop_bound_access_tokens": True,
                "token_endpoint_auth_method": "private_key_jwt",
                "jwks_uri": "https://app.example/jwks.json",
            },
            "https://app.example/jwks.json": {"keys": [{**public(self.client_key), "kid": "c1"}]},
        }
        self.world = World(seconds=lambda: self.now, fetch=self.fetch, client_secret="secret")
        self.server = ThreadedServer(bluesky_app(self.world))
        self.http = loopback.client(self.server.url, timeout=10)
        self.jti = 0

    def fetch(self, url):
        if url not in self.documents:
            raise ValueError(url)
        return self.documents[url]

    def stop(self):
        self.http.close()
        self.server.stop()

    def signed(self, key, claims, headers):
        self.jti += 1
        claims = {"jti": f"id-{self.jti}", "iat": self.now, **claims}
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, jwt.PyJWK(key, algorithm="ES256"), algorithm="ES256", headers=headers)

    def proof(self, path, *, header=None, key=None, **claims):
        key = key or self.dpop_key
        headers = {"typ": "dpop+jwt", "jwk": public(key), **(header or {})}
        named = {"htm": "POST", "htu": self.server.url + path, "nonce": self.world.nonce}
        return self.signed(key, {**named, **claims}, headers)

    def assertion(self, *, key=None, kid="c1", **claims):
        named = {"iss": CLIENT, "sub": CLIENT, "aud": self.server.url, "exp": self.now + 60}
        return self.signed(key or self.client_key, {**named, **claims}, {"kid": kid})

    def post(self, path, form, *, proof=None, assertion=None):
        whole = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion or self.assertion(), **form}
        whole = {name: value for name, value in whole.items() if value is not None}
        return self.http.post(path, data=whole, headers={"DPoP": proof or self.proof(path)})

    def push(self, *, proof=None, assertion=None, **changes):
        return self.post("/oauth/par", {**GOOD_REQUEST, **changes}, proof=proof, assertion=assertion)

    def code(self, account="did:plc:alice"):
        request_uri = self.push().json()["request_uri"]
        answer = self.http.post("/decide", data={"request_uri": request_uri, "account": account})
        query = parse_qs(urlsplit(answer.headers["location"]).query)
        assert query["state"] == ["s1"]
        assert query["iss"] == [self.server.url]
        return query["code"][0]

    def exchange(self, code, *, proof=None, assertion=None, **changes):
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": CLIENT,
            "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER,
            **changes,
        }
        return self.post("/oauth/token", form, proof=proof, assertion=assertion)


@pytest.fixture
def client():
    made = Client()
    yield made
    made.stop()


def refusal(answer):
    assert answer.status_code in {400, 401}, answer.text
    assert answer.headers["dpop-nonce"]
    return answer.json()["error"]


def test_who_does_everything_right_gets_a_token_that_is_bound_to_a_key(client):
    body = client.exchange(client.code()).json()
    assert (body["sub"], body["token_type"], body["scope"]) == ("did:plc:alice", "DPoP", "atproto")


def test_the_metadata_offers_what_the_profile_asks_for(client):
    said = client.http.get("/.well-known/oauth-authorization-server").json()
    assert said["issuer"] == client.server.url
    assert said["pushed_authorization_request_endpoint"] == f"{client.server.url}/oauth/par"
    assert said["authorization_response_iss_parameter_supported"] is True


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"nonce": None}, "use_dpop_nonce"),
        ({"nonce": "invented"}, "use_dpop_nonce"),
        ({"htm": "GET"}, "invalid_dpop_proof"),
        ({"htu": "https://evil.example/oauth/par"}, "invalid_dpop_proof"),
        ({"iat": NOW - 61}, "invalid_dpop_proof"),
        ({"iat": NOW + 61}, "invalid_dpop_proof"),
        ({"jti": None}, "invalid_dpop_proof"),
        ({"header": {"typ": "jwt"}}, "invalid_dpop_proof"),
        ({"header": {"jwk": None}}, "invalid_dpop_proof"),
        ({"header": {"jwk": public(new_key())}}, "invalid_dpop_proof"),
        ({"header": {"jwk": new_key()}}, "invalid_dpop_proof"),
    ],
)
def test_a_proof_that_is_wrong_is_refused(client, changes, error):
    assert refusal(client.push(proof=client.proof("/oauth/par", **changes))) == error


def test_a_proof_is_good_once(client):
    proof = client.proof("/oauth/par")
    assert client.push(proof=proof).status_code == 201
    assert refusal(client.push(proof=proof)) == "invalid_dpop_proof"


@pytest.mark.parametrize(
    "hint",
    [
        "@alice.bsky.social",
        "\u202aalice.bsky.social\u202c",
        "alice",
        "alice@example.com",
        "did:key:z6Mk",
        "alice.bsky.social\n",
    ],
)
def test_a_hint_that_is_no_handle_and_no_did_is_refused(client, hint):
    assert refusal(client.push(login_hint=hint)) == "invalid_request"
    for good in ("Alice.bsky.social", "did:plc:alice", ""):
        assert client.push(login_hint=good).status_code == 201


def test_a_nonce_is_good_until_the_one_after_the_next(client):
    before = client.world.nonce
    client.world.rotate_nonces()
    assert refusal(client.push(proof=client.proof("/oauth/par", nonce=before))) == "use_dpop_nonce"
    assert client.push().status_code == 201


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://evil.example"},
        {"iss": "https://evil.example"},
        {"sub": "https://evil.example"},
        {"exp": NOW},
        {"exp": NOW + 3600},
        {"exp": None},
        {"jti": None},
        {"kid": "c2"},
        {"key": new_key()},
    ],
)
def test_an_assertion_that_is_wrong_is_refused(client, changes):
    assert refusal(client.push(assertion=client.assertion(**changes))) == "invalid_client"


def test_an_assertion_is_good_once(client):
    assertion = client.assertion()
    assert client.push(assertion=assertion).status_code == 201
    assert refusal(client.push(assertion=assertion)) == "invalid_client"


@pytest.mark.parametrize(
    "changes", [{"client_assertion": None}, {"client_assertion_type": "x"}, {"client_id": "https://x"}]
)
def test_a_client_that_does_not_prove_itself_is_refused(client, changes):
    assert refusal(client.push(**changes)) == "invalid_client"


def test_a_client_that_publishes_its_private_key_is_refused(client):
    client.documents["https://app.example/jwks.json"] = {"keys": [client.client_key]}
    assert refusal(client.push()) == "invalid_client"


@pytest.mark.parametrize(
    "changes",
    [
        {"response_type": "token"},
        {"scope": "openid"},
        {"state": None},
        {"code_challenge": None},
        {"code_challenge": "short"},
        {"code_challenge_method": "plain"},
        {"redirect_uri": "https://evil.example/callback"},
    ],
)
def test_a_request_that_is_wrong_is_refused(client, changes):
    assert refusal(client.push(**changes)) == "invalid_request"


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "x" * 64},
        {"code_verifier": None},
        {"redirect_uri": "https://evil.example/callback"},
        {"code": "invented"},
    ],
)
def test_an_exchange_that_is_wrong_is_refused_and_uses_the_code_up(client, changes):
    code = client.code()
    assert refusal(client.exchange(**{"code": code, **changes})) == "invalid_grant"
    if "code" not in changes:
        assert refusal(client.exchange(code)) == "invalid_grant"


def test_a_code_is_good_once_and_for_a_minute(client):
    code = client.code()
    assert client.exchange(code).status_code == 200
    assert refusal(client.exchange(code)) == "invalid_grant"
    late = client.code()
    client.now += 61
    assert refusal(client.exchange(late)) == "invalid_grant"


def test_a_code_belongs_to_the_key_that_pushed_the_request(client):
    proof = client.proof("/oauth/token", key=new_key())
    assert refusal(client.exchange(client.code(), proof=proof)) == "invalid_dpop_proof"


@pytest.mark.parametrize("query", ["", f"?client_id={CLIENT}&request_uri=urn:invented", "?client_id=x"])
def test_a_page_for_a_request_nobody_pushed_says_so(client, query):
    answer = client.http.get(f"/oauth/authorize{query}")
    assert answer.status_code == 400
    assert "cannot go on" in answer.text


def test_a_request_can_be_decided_once(client):
    data = {"request_uri": client.push().json()["request_uri"], "account": "did:plc:alice"}
    assert client.http.post("/decide", data=data).status_code == 303
    assert client.http.post("/decide", data=data).status_code == 400


def test_who_refuses_sends_the_browser_back_with_that(client):
    data = {"request_uri": client.push().json()["request_uri"], "account": ""}
    query = parse_qs(urlsplit(client.http.post("/decide", data=data).headers["location"]).query)
    assert query["error"] == ["access_denied"]
    assert query["state"] == ["s1"]


def test_a_hint_cannot_bring_markup_into_the_page(client):
    for status, change in ((400, {"login_hint": "<script>"}), (200, {"redirect_uri": "https://<script>.example/"})):
        page = client.http.get("/basic/authorize", params={**GOOD_REQUEST, **change})
        assert page.status_code == status
        assert "<script>" not in page.text


# ---- the plain form ------------------------------------------------------------------------------------------------


def plain_code(client):
    page = client.http.get("/basic/authorize", params=GOOD_REQUEST).text
    request_uri = page.partition('name="request_uri" value="')[2].partition('"')[0]
    answer = client.http.post("/decide", data={"request_uri": request_uri, "account": "did:plc:bob"})
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query.keys() == {"code", "state"}
    return query["code"][0]


def plain_exchange(client, code, **changes):
    form = {"grant_type": "authorization_code", "code": code, "client_id": CLIENT, "redirect_uri": REDIRECT}
    form |= {"client_secret": "secret", "code_verifier": VERIFIER, **changes}
    return client.http.post("/basic/token", data=form)


def test_the_plain_form_checks_secret_verifier_and_use(client):
    assert plain_exchange(client, plain_code(client)).json()["sub"] == "did:plc:bob"
    code = plain_code(client)
    assert refusal(plain_exchange(client, code, client_secret="wrong")) == "invalid_client"
    assert refusal(plain_exchange(client, code, code_verifier="x" * 64)) == "invalid_grant"
    assert refusal(plain_exchange(client, code)) == "invalid_grant"


def test_a_code_of_one_form_is_not_good_in_the_other(client):
    assert refusal(plain_exchange(client, client.code())) == "invalid_grant"
    assert refusal(client.exchange(plain_code(client))) in {"invalid_grant", "invalid_dpop_proof"}


def test_the_sample_verifier_and_challenge_are_those_of_rfc_7636():
    assert base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode() == CHALLENGE


def test_one_process_serves_the_sample_accounts_and_ends_when_told():
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "cdk_app.services.stand_ins", BLUESKY.application, "--port", str(port)]
    )
    try:
        deadline = monotonic() + 20
        while True:
            assert monotonic() < deadline, "it never came up"
            assert process.poll() is None, "it ended by itself"
            try:
                answer = httpx.get(f"http://127.0.0.1:{port}/", timeout=5)
                break
            except httpx.ConnectError:
                sleep(0.05)
        assert answer.json()["accounts"]["alice.bsky.social"] == "did:plc:alice"
        urls = BLUESKY.variables(f"http://127.0.0.1:{port}")
        profile = f"{urls['BLUESKY_PUBLIC_API_URL']}/xrpc/app.bsky.actor.getProfile"
        assert httpx.get(profile, params={"actor": "did:plc:bob"}).json()["handle"] == "bob.bsky.social"
        assert httpx.get(f"{urls['PLC_DIRECTORY_URL']}/did:plc:nobody").status_code == 404
        assert httpx.post(urls["BLUESKY_OAUTH_TOKEN_ENDPOINT"]).status_code == 401
    finally:
        process.terminate()
        process.wait(10)
