"""The check after a deployment of AlgoItny, against the real API."""

import pytest
from typer.testing import CliRunner, Result

from cdk_app.operations.smoke import app as command
from cdk_app.services.algoitny import samples, smoke
from cdk_app.services.algoitny.google.app import google_app
from cdk_app.services.algoitny.google.world import CLIENT_ID, SAMPLE_PEOPLE, World
from tests.support.http_server import ThreadedServer


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def judge(world, new_judge, monkeypatch):
    """With the stand-in of Google that `make run` gives."""
    with ThreadedServer(google_app(world)) as server:
        judge = new_judge(
            google_client_ids=CLIENT_ID, google_redirect_uris=samples.PAGE, google_jwks_url=f"{server.url}/certs",
            google_token_url=f"{server.url}/token",
        )  # fmt: skip
        world.seconds = judge.resources.seconds
        monkeypatch.setattr(smoke, "code_of", lambda _, person: samples.code_of(server.url, person))
        yield judge


def check(judge, token: str = "") -> Result:
    arguments = [str(judge.api.base_url), "--service", "AlgoItny"]
    return CliRunner().invoke(command, arguments, env={smoke.TOKEN_VARIABLE: token})


def steps(result: Result) -> list[str]:
    """The names of the steps, as far as they were printed."""
    return [line[7:29].strip() for line in result.output.splitlines() if line.startswith(("ok ", "FAILED ", "! "))]


def test_on_this_machine_a_sample_person_signs_in_and_out(judge):
    result = check(judge)
    assert result.exit_code == 0, result.output
    assert steps(result) == ["health", "ready", "plans", "timeline", "sign in", "account", "limits", "sign out"]
    assert [item for item in judge.items() if item["PK"].startswith("RTOK#")] == []


def test_a_given_token_is_used_and_not_shown(judge):
    token = judge.token(judge.user(SAMPLE_PEOPLE[3].email))
    result = check(judge, token)
    assert result.exit_code == 0, result.output
    assert steps(result) == ["health", "ready", "plans", "timeline", "account", "limits"]
    assert token not in result.output


def test_elsewhere_and_without_a_token_it_reads_what_is_public_and_says_so(judge, monkeypatch):
    monkeypatch.setattr("cdk_app.services.smoke_steps.OWN_NAMES", frozenset())
    result = check(judge)
    assert result.exit_code == 0, result.output
    assert steps(result) == ["health", "ready", "plans", "timeline", "account"]
    assert "left out: put the access token of somebody who signed in into ALGOITNY_TOKEN" in result.output


def test_a_token_that_is_refused_is_a_failure(judge):
    result = check(judge, "no token")
    assert result.exit_code == 1
    assert steps(result)[-1] == "account"
