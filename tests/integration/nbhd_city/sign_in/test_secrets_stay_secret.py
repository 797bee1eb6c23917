"""What a sign-in handles must not show: every value that opens something is looked for in all log lines."""

import base64
import io
import json
import logging
from urllib.parse import parse_qs, urlsplit

import pytest

from cdk_app.local.standins.answers import Answer, json_answer
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
    quiet = {name: logging.getLogger(name).level for name in ("asyncio", "botocore", "urllib3", "boto3", "httpcore")}
    for name in quiet:  # the test's own clients and the engine's; on Lambda they are heard from WARNING on
        logging.getLogger(name).setLevel(logging.WARNING)
    yield stream.getvalue
    for name, level in quiet.items():
        logging.getLogger(name).setLevel(level)
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    product.setLevel(before[2])


def canaries(house, browser):
    """Everything that opens something, by what it is."""
    found = {f"cookie {name}": value for name, value in browser.cookies.items()}
    found |= {f"returned {name}": values[0] for name, values in parse_qs(urlsplit(browser.back).query).items()}
    found.pop("returned iss", None)
    found |= {"client secret": CLIENT_SECRET, "password": PASSWORD, "token key": key_text()}
    found["client key"] = house.secret.held["oauth"]["client_jwk"]["d"]
    return found


def state_in_table(house):
    [item] = house.items()
    found = {"verifier": item["code_verifier"], "browser hash": item["browser_hash"]}
    if "dpop_jwk" in item:
        found["DPoP key"] = json.loads(item["dpop_jwk"])["d"]
    return found


def shown(log, secrets):
    text = log()
    assert text.count("\n") > 3, "nothing was logged, so nothing was looked at"
    return [name for name, value in secrets.items() if value in text or json.dumps(value)[1:-1] in text]


@pytest.mark.parametrize("profile", ["basic", "atproto"])
def test_a_whole_sign_in_shows_nothing(make_house, log, profile):
    house = make_house(profile=profile, test_login_enabled=True)
    browser = house.browser().login(handle="alice.bsky.social").choose()
    secrets = canaries(house, browser) | state_in_table(house)
    secrets["login code"] = answered(browser.callback())["code"]
    token = house.api.post("/auth/token", json={"code": secrets["login code"]}).json()["access_token"]
    for part in token.split(".")[1:]:
        secrets[f"token {part[:8]}"] = part
    secrets["BlueSky's token"] = "stand-in-token"
    house.api.get("/auth/me", headers={"authorization": f"Bearer {token}"})
    house.api.post("/auth/test-login", json={"username": "tess", "password": PASSWORD})
    assert shown(log, secrets) == []
    assert "signed in" in log()


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        ("token", json_answer({"error": "invalid_grant"}, status=400)),
        ("token", json_answer({"error": "server_error"}, status=503)),
        ("token", Answer(body='{"access_token": "canary-answer"', content_type="text/plain")),
        ("directory", json_answer({}, status=404)),
    ],
)
def test_a_failed_sign_in_shows_nothing_but_its_reason(house, log, place, fault):
    browser = house.browser().login().choose()
    secrets = canaries(house, browser) | state_in_table(house) | {"answer": "canary-answer"}
    house.world.order(place, fault)
    reason = answered(browser.callback())["error"]
    browser.callback()
    house.api.post("/auth/token", json={"code": "canary-forged-code"})
    house.api.post("/auth/token", json={"code": 5, "canary": "canary-body"})
    house.api.get("/auth/me", headers={"authorization": "Bearer canary.bearer.token"})
    secrets |= {"forged code": "canary-forged-code", "body": "canary-body", "bearer": "canary.bearer.token"}
    assert shown(log, secrets) == []
    assert f'"reason":"{reason}"' in log()


def test_an_error_in_the_middle_of_it_shows_nothing(house, log, monkeypatch):
    browser = house.browser().login().choose()
    secrets = canaries(house, browser) | state_in_table(house)

    def fail(*_args, **_kwargs):
        raise RuntimeError("something unexpected")

    monkeypatch.setattr("lambda_src.services.nbhd_city.clients.oauth_atproto.granted", fail)
    answer = browser.callback()
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "something unexpected" not in answer.text
    assert "something unexpected" in log()
    assert shown(log, secrets) == []


def test_a_token_holds_nothing_that_bluesky_issued(house):
    token = house.browser().sign_in()["access_token"]
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims.keys() == {"iss", "aud", "sub", "iat", "exp", "jti", "hdl", "amr"}
    assert "stand-in-token" not in str(claims)
