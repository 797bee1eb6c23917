"""What a sign-in handles must not show: every value that opens something is looked for in all log lines."""

import base64
import io
import json
import logging
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from cdk_app.services.stand_ins.answers import Answer, json_answer
from lambda_src.runtime.observability import configure_logging
from tests.support.sign_in import CLIENT_SECRET, PASSWORD, answered, key_text


@pytest.fixture
def log():
    """All that was logged so far, by anybody and at any level, as text."""
    root, product = logging.getLogger(), logging.getLogger("lambda_src")
    before = (list(root.handlers), root.level, product.level)
    stream = io.StringIO()
    configure_logging(service="sample", level="DEBUG", stream=stream)
    root.setLevel(logging.DEBUG)
    noisy = ("asyncio", "botocore", "urllib3", "boto3", "httpx", "httpcore")
    quiet = {name: logging.getLogger(name).level for name in noisy}
    for name in quiet:  # the test's own clients and the engine's; on Lambda they are heard from WARNING on
        logging.getLogger(name).setLevel(logging.WARNING)
    yield stream.getvalue
    for name, level in quiet.items():
        logging.getLogger(name).setLevel(level)
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    product.setLevel(before[2])


@pytest.fixture(autouse=True)
def signed(monkeypatch):
    """Every token, proof and assertion that anybody has signed so far; a part of one is enough to look for."""
    made: list[str] = []
    encode = jwt.encode

    def note(*args, **kwargs):
        made.append(encode(*args, **kwargs))
        return made[-1]

    monkeypatch.setattr(jwt, "encode", note)
    return made


def canaries(city, browser):
    """Everything that opens something, by what it is."""
    found = {f"cookie {name}": value for name, value in browser.cookies.items()}
    found |= {f"returned {name}": values[0] for name, values in parse_qs(urlsplit(browser.back).query).items()}
    found.pop("returned iss", None)
    found |= {"client secret": CLIENT_SECRET, "password": PASSWORD, "token key": key_text()}
    found["client key"] = city.secret.held["oauth"]["client_jwk"]["d"]
    return found


def state_in_table(city):
    [item] = city.items()
    found = {"verifier": item["code_verifier"], "browser hash": item["browser_hash"]}
    if "dpop_jwk" in item:
        found["DPoP key"] = json.loads(item["dpop_jwk"])["d"]
    return found


def shown(log, secrets, signed=()):
    text = log()
    assert text.count("\n") > 1, "nothing was logged, so nothing was looked at"
    secrets = secrets | {f"{part} of signed {n}": p for n, each in enumerate(signed) for part, p in parts_of(each)}
    return [name for name, value in secrets.items() if value in text or json.dumps(value)[1:-1] in text]


def parts_of(signed):
    """Claims and signature: the header of one is that of all."""
    return zip(("claims", "signature"), signed.split(".")[1:], strict=True)


@pytest.mark.parametrize("callback_mode", ["code", "token"])
@pytest.mark.parametrize("profile", ["basic", "atproto"])
def test_a_whole_sign_in_shows_nothing(make_city, log, signed, profile, callback_mode):
    city = make_city(profile=profile, callback_mode=callback_mode, test_login_enabled=True)
    browser = city.browser().login(handle="alice.bsky.social").choose()
    secrets = canaries(city, browser) | state_in_table(city) | {"BlueSky's token": "stand-in-token"}
    [(told, value)] = answered(browser.callback()).items()
    secrets[f"returned {told}"] = value
    token = city.api.post("/auth/token", json={"code": value}).json()["access_token"] if told == "code" else value
    city.api.get("/auth/me", headers={"authorization": f"Bearer {token}"})
    city.api.post("/auth/logout", headers={"authorization": f"Bearer {token}"})
    city.api.post("/auth/test-login", json={"username": "tess", "password": PASSWORD})
    city.api.post("/auth/test-login", json={"username": "tess", "password": "canary-wrong"})
    kinds = {(header["alg"], header["typ"]) for header in map(jwt.get_unverified_header, signed)}
    assert kinds == {("HS256", "JWT"), *({("ES256", "JWT"), ("ES256", "dpop+jwt")} if profile == "atproto" else ())}
    assert token in signed
    assert shown(log, secrets | {"wrong password": "canary-wrong"}, signed) == []
    assert "signed in" in log()


TALKATIVE = {"error_description": "canary-answer"}


@pytest.mark.parametrize(
    ("account", "place", "faults"),
    [
        ("did:plc:alice", "token", [json_answer({"error": "invalid_grant", **TALKATIVE}, status=400)]),
        ("did:plc:alice", "token", [json_answer({"error": "server_error", **TALKATIVE}, status=503)]),
        ("did:plc:alice", "token", [Answer(body='{"access_token": "canary-answer"', content_type="text/plain")]),
        ("did:plc:alice", "token", [json_answer({"access_token": "canary-answer", "sub": "did:plc:alice"})]),
        ("did:plc:alice", "directory", [json_answer(TALKATIVE, status=404)]),
        ("did:plc:alice", "pds", [json_answer(TALKATIVE, status=503)] * 2),
        ("did:plc:mallory", "token", []),
        ("", "token", []),
    ],
)
def test_a_failed_sign_in_shows_nothing_but_its_reason(city, log, signed, account, place, faults):
    browser = city.browser().login().choose(account)
    secrets = canaries(city, browser) | state_in_table(city) | {"answer": "canary-answer"}
    secrets.pop("returned error", None)
    secrets.pop("returned error_description", None)
    city.world.order(place, *faults)
    reason = answered(browser.callback())["error"]
    assert shown(log, secrets, signed) == []
    assert f'"reason":"{reason}"' in log()


@pytest.mark.parametrize("place", ["metadata", "par"])
@pytest.mark.parametrize("status", [400, 503])
def test_a_sign_in_that_cannot_begin_shows_nothing(city, log, signed, place, status):
    city.world.order(place, *[json_answer({"error": "invalid_request", **TALKATIVE}, status=status)] * 2)
    assert city.browser().login().started.status_code == 502
    secrets = {"answer": "canary-answer", "client key": city.secret.held["oauth"]["client_jwk"]["d"]}
    assert shown(log, secrets, signed) == []


def test_what_is_refused_is_not_repeated(city, log, signed):
    browser = city.browser().login().choose()
    stranger = city.browser().login()
    secrets = canaries(city, browser) | {f"other {name}": value for name, value in stranger.cookies.items()}
    forged = {name: f"canary-{name}" for name in ("state", "code", "bearer", "body", "cookie")}
    assert stranger.callback(browser.back).status_code == 400
    assert browser.callback(cookies=False).status_code == 400
    assert "code" in answered(browser.callback())
    assert browser.callback().status_code == 400
    stranger.cookies["nbhd_login_000000000000"] = forged["cookie"]
    assert stranger.callback(f"/auth/callback?state={forged['state']}&code={forged['code']}").status_code == 400
    assert city.api.post("/auth/token", json={"code": forged["code"]}).status_code == 400
    assert city.api.post("/auth/token", json={"code": 5, "canary": forged["body"]}).status_code == 422
    for bearer in (f"{forged['bearer']}.b.c", forged["bearer"]):
        assert city.api.get("/auth/me", headers={"authorization": f"Bearer {bearer}"}).status_code == 401
    token = city.browser().sign_in()["access_token"]
    city.clock.forward(days=8)
    assert city.api.get("/auth/me", headers={"authorization": f"Bearer {token}"}).json()["code"] == "expired_token"
    assert shown(log, secrets | forged, signed) == []


def test_an_address_is_shown_to_nobody_who_reads_the_log(city, log, signed):
    headers = {"authorization": f"Bearer {city.browser().sign_in()['access_token']}"}
    for method, path, email, status in (
        ("POST", "/api/users/me/profile", "canary-no-address", 422),
        ("POST", "/api/users/me/profile", "canary@example.com", 201),
        ("POST", "/api/users/me/profile", "canary@example.com", 409),
        ("PUT", "/api/users/me", "canary-other@example.com", 200),
        ("PUT", "/api/users/me", f"{'canary' * 50}@example.com", 422),
    ):
        city.clock.forward(seconds=1)  # the same again in the same instant is a repetition
        answer = city.api.request(method, path, json={"email": email}, headers=headers)
        assert answer.status_code == status, answer.text
    assert city.api.get("/api/users/me", headers=headers).json()["email"] == "canary-other@example.com"
    assert shown(log, {"address": "canary"}, signed) == []


def test_an_error_in_the_middle_of_it_shows_nothing(city, log, signed, monkeypatch):
    browser = city.browser().login().choose()
    secrets = canaries(city, browser) | state_in_table(city)

    def fail(*_args, **_kwargs):
        raise RuntimeError("something unexpected")

    monkeypatch.setattr("lambda_src.services.nbhd_city.sign_in.atproto.granted", fail)
    answer = browser.callback()
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "something unexpected" not in answer.text
    assert "something unexpected" in log()
    assert shown(log, secrets, signed) == []


def test_a_token_holds_nothing_that_bluesky_issued(city):
    token = city.browser().sign_in()["access_token"]
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims.keys() == {"iss", "aud", "sub", "iat", "exp", "jti", "hdl", "amr"}
    assert "stand-in-token" not in str(claims)
