"""The check after a deployment of nbhd.city, against the real API and against one that fails at each step."""

import pytest
from typer.testing import CliRunner, Result

from cdk_app.local.secret_values import filled_in
from cdk_app.operations.smoke import app as command
from cdk_app.services.nbhd_city import smoke as nbhd_city
from cdk_app.services.nbhd_city.local_secrets import MADE_UP
from tests.support.failing_api import Failing
from tests.support.http_server import ThreadedServer
from tests.support.nbhd_city import PlayedCity
from tests.support.played import HeldSecret

PATIENCE_SECONDS = 2.0


@pytest.fixture
def city(new_city) -> PlayedCity:
    """With the secret and the test login that `make run` gives."""
    secret = HeldSecret(filled_in({"jwt": "", "oauth": "", "test_login": ""}, {}, MADE_UP))
    made = new_city(secret=secret, test_login_enabled=True)
    assert isinstance(made, PlayedCity)
    return made


def smoke(url: str, token: str = "") -> Result:
    arguments = [url, "--service", "NbhdCity", "--step-seconds", str(PATIENCE_SECONDS)]
    return CliRunner().invoke(command, arguments, env={nbhd_city.TOKEN_VARIABLE: token})


def address(city: PlayedCity) -> str:
    return str(city.api.base_url)


def neighborhoods(city: PlayedCity) -> list[str]:
    return [each["name"] for each in city.api.get("/api/nbhds").json()]


def steps(result: Result) -> list[str]:
    """The names of the steps, as far as they were printed."""
    return [line[7:29].strip() for line in result.output.splitlines() if line.startswith(("ok ", "FAILED ", "! "))]


def test_on_this_machine_the_test_user_writes_and_deletes(city):
    result = smoke(address(city))
    assert result.exit_code == 0, result.output
    assert steps(result) == ["health", "ready", "read", "sign in", "write", "delete", "is gone"]
    city.drain()
    assert neighborhoods(city) == []


def test_a_given_token_writes_without_a_test_user_and_is_not_shown(city):
    token = city.token("carol")
    result = smoke(address(city), token)
    assert result.exit_code == 0, result.output
    assert steps(result) == ["health", "ready", "read", "write", "delete", "is gone"]
    assert token not in result.output
    assert neighborhoods(city) == []


def test_elsewhere_and_without_a_token_it_only_reads_and_says_so(city, monkeypatch):
    monkeypatch.setattr("cdk_app.services.smoke_steps.OWN_NAMES", frozenset())
    result = smoke(address(city))
    assert result.exit_code == 0, result.output
    assert steps(result) == ["health", "ready", "read", "write"]
    assert "left out: put the access token of somebody who signed in into NBHD_TOKEN" in result.output


def test_a_token_that_is_refused_is_a_failure(city):
    result = smoke(address(city), "forged")
    assert result.exit_code == 1
    assert "FAILED write" in result.output
    assert "invalid_token" in result.output


def test_neighborhoods_of_others_stay(city):
    theirs = city.create("bob", "Smoke check")["name"]
    assert smoke(address(city)).exit_code == 0
    assert neighborhoods(city) == [theirs]


@pytest.mark.parametrize(
    ("step", "method", "path", "fault"),
    [
        ("health", "GET", "/health", "500"),
        ("ready", "GET", "/health/ready", "500"),
        ("read", "GET", "/api/nbhds", "other body"),
        ("sign in", "POST", "/auth/test-login", "500"),
        ("write", "POST", "/api/nbhds", "500"),
        ("write", "POST", "/api/nbhds", "other body"),
        ("write", "POST", "/api/nbhds", "hang"),
        ("delete", "DELETE", "/api/nbhds/", "500"),
        ("delete", "DELETE", "/api/nbhds/", "hang"),
        ("is gone", "GET", "/api/nbhds/", "500"),
    ],
)
def test_the_first_failure_is_named_and_nothing_is_left(city, step, method, path, fault):
    """The request takes effect and its answer is lost: the worst case for whoever has to clean up."""
    failing = Failing(city.app, method, path, fault, after=True)
    with ThreadedServer(failing) as server:
        result = smoke(server.url)
    assert result.exit_code == 1
    assert f"FAILED {step} " in result.output
    assert result.output.endswith(f"step `{step}` failed\n")
    assert neighborhoods(city) == []


def test_a_neighborhood_that_cannot_be_deleted_is_named(city):
    failing = Failing(city.app, "DELETE", "/api/nbhds/", "500", after=False)
    with ThreadedServer(failing) as server:
        result = smoke(server.url)
    [left] = neighborhoods(city)
    assert result.exit_code == 1
    assert f"delete the one that is called `{left}`" in result.output
