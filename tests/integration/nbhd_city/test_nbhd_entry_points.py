"""The functions as Lambda starts them: each in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lambda_src.runtime.settings import environment_of
from tests.support.nbhd_city import PlayedCity, app_secret

EVENTS = Path(__file__).parents[2] / "events"
NOTHING: Mapping[str, str] = MappingProxyType({})


def request_of(path: str) -> dict[str, Any]:
    """A GET as API Gateway hands it over."""
    event: dict[str, Any] = json.loads((EVENTS / "api_gateway_v2_get.json").read_text())
    event |= {"rawPath": path, "rawQueryString": "", "queryStringParameters": {}}
    event["requestContext"]["http"]["path"] = path
    return event


def invoked(
    city: PlayedCity, function: str, event: dict[str, Any], times: int, variables: Mapping[str, str] = NOTHING
) -> dict[str, Any]:
    """What came of so many invocations of a function in a new process. variables: on top of its settings."""
    settings = city.api_settings if function == "api" else city.worker_settings
    settings = settings.model_copy(update={"dynamodb_endpoint": city.client.meta.endpoint_url})
    finished = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.support.many_invocations",
            f"lambda_src.services.nbhd_city.{function}",
            str(times),
        ],
        input=json.dumps(event),
        env={**os.environ, **environment_of(settings), "AWS_DEFAULT_REGION": "us-east-1", **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    answer: dict[str, Any] = json.loads(finished.stdout)
    return answer


def test_a_hundred_requests_share_one_client_that_was_made_at_the_start(new_city):
    city = new_city()
    made = city.create("alice", "Home")

    answer = invoked(city, "api", request_of(f"/api/nbhds/{made['id']}"), 100)

    assert answer == {"statuses": {"200": 100}, "clients": {"dynamodb": 1}, "clients_at_start": {"dynamodb": 1}}


def test_a_process_without_secrets_manager_is_ready_with_a_secret_in_a_variable(new_city):
    variables = {"APP_SECRET_ARN": "", "APP_SECRET_JSON": json.dumps(app_secret().held)}

    answer = invoked(new_city(), "api", request_of("/health/ready"), 1, variables)

    assert answer == {"statuses": {"200": 1}, "clients": {"dynamodb": 1}, "clients_at_start": {"dynamodb": 1}}


def test_the_worker_takes_its_schedule(new_city):
    city = new_city()

    answer = invoked(city, "worker", {"task": "sweep"}, 3)

    assert answer == {"statuses": {"None": 3}, "clients": {"dynamodb": 1}, "clients_at_start": {"dynamodb": 1}}
