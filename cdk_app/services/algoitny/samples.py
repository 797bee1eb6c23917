"""Thirty people on plan Pro, one of them still on Free and at its limit, forty problems, and what they ran.

People sign in at the stand-in of Google, an administrator gives them their plan, and runs come as a web client sends
them, so that limits, timeline and statistics have something to show. Problems are written through their repository:
no route makes one yet.

`python -m cdk_app.services.algoitny.samples 2000` adds to a local cloud that runs until so many are of today.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import cycle, takewhile
from typing import Final
from urllib.parse import parse_qs, urlsplit

import httpx
import typer

from cdk_app.environments import LOCAL
from cdk_app.services.algoitny import story
from cdk_app.services.algoitny.google.world import ADMINISTRATOR, CLIENT_ID, SAMPLE_PEOPLE, Person
from cdk_app.services.planting import TIMEOUT_SECONDS, Ground, accepted, api_at
from cdk_app.services.registry import ALGOITNY, GOOGLE
from lambda_src.dynamo.boto3_client import Boto3Client, make_client
from lambda_src.dynamo.store import Store
from lambda_src.runtime.clock import utc_now
from lambda_src.services.algoitny.errors import ProblemExists, TestCaseExists
from lambda_src.services.algoitny.items import MAIN
from lambda_src.services.algoitny.problems.repository import ProblemRepository

RUNS: Final = 200
AT_ONCE: Final = 4
PAGE: Final = LOCAL.origins_of(ALGOITNY.name)[0]
PLAN: Final = "Pro"
LIMIT: Final = 50  # of plan Free, in a day


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody, and what their requests carry."""

    user_id: int
    headers: Mapping[str, str]


def plant(ground: Ground) -> None:
    """Make what is not there yet. Raises httpx.HTTPError."""
    client = make_client(region="us-east-1", endpoint_url=ground.dynamodb_url)
    try:
        names = {MAIN.name: MAIN.physical_name(LOCAL.name)}
        register(ProblemRepository(Store(Boto3Client(client), names), utc_now))
    finally:
        client.close()
    live(ground.url, ground.stand_ins[GOOGLE.name], runs=RUNS)


def live(url: str, google_url: str, *, runs: int) -> None:
    """Sign everybody in and have them run the first `runs` of the story; of a day they are the same ones each time."""
    with api_at(url) as api, ThreadPoolExecutor(AT_ONCE) as pool:
        boss = sign_in(api, google_url, ADMINISTRATOR)
        limited, *others = pool.map(partial(sign_in, api, google_url), SAMPLE_PEOPLE)
        _wait_for(pool.map(partial(_promote, api, boss, _pro(api)), others))
        _wait_for(pool.map(partial(_run, api), range(runs), cycle(others)))
        _wait_for(takewhile(bool, (_run(api, number, limited) for number in range(LIMIT + 1))))


def _wait_for(work: Iterable[object]) -> None:
    """Until all of it is done, or some of it fails."""
    deque(work, maxlen=0)


def register(repository: ProblemRepository) -> None:
    """Forty completed problems with their test cases."""
    for problem in story.PROBLEMS:
        _complete(repository, problem)


def _complete(repository: ProblemRepository, problem: story.SampleProblem) -> None:
    cases = [
        {"testcase_id": str(place), "input": given, "output": wanted}
        for place, (given, wanted) in enumerate(problem.cases, 1)
    ]
    key = (problem.platform, problem.problem_id)
    with suppress(ProblemExists):
        repository.create_problem(*key, {"title": problem.title, "tags": problem.tags, "language": "python"})
    with suppress(TestCaseExists):
        repository.add_testcases_batch(*key, cases)
    repository.update_problem(*key, {"is_completed": True})


def sign_in(api: httpx.Client, google_url: str, person: Person) -> SignedIn:
    """Sign in with Google. Raises httpx.HTTPError."""
    body = {"code": code_of(google_url, person), "redirect_uri": PAGE}
    answer = accepted(api.post("/api/auth/google", json=body))
    return SignedIn(answer["user"]["id"], {"Authorization": f"Bearer {answer['access']}"})


def code_of(google_url: str, person: Person) -> str:
    """The code that the stand-in's page sends back for somebody. Raises httpx.HTTPError."""
    form = {
        "client_id": CLIENT_ID, "redirect_uri": PAGE, "response_type": "code", "scope": "openid email profile",
        "account": person.email,
    }  # fmt: skip
    back = httpx.post(f"{google_url}/decide", data=form, timeout=TIMEOUT_SECONDS, trust_env=False)
    if not back.has_redirect_location:
        back.raise_for_status()
    [code] = parse_qs(urlsplit(back.headers["location"]).query)["code"]
    return code


def _pro(api: httpx.Client) -> int:
    [found] = [plan["id"] for plan in accepted(api.get("/api/auth/plans"))["plans"] if plan["name"] == PLAN]
    return int(found)


def _promote(api: httpx.Client, boss: SignedIn, plan_id: int, person: SignedIn) -> None:
    body = {"subscription_plan_id": plan_id}
    accepted(api.patch(f"/api/admin/users/{person.user_id}", json=body, headers=boss.headers))


def _run(api: httpx.Client, number: int, person: SignedIn) -> bool:
    """Whether a run was accepted; False when it was one too many."""
    headers = {**person.headers, "Idempotency-Key": f"sample-{number}"}
    answer = api.post("/api/history", json=story.run(number), headers=headers)
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return False
    accepted(answer)
    return True


def main(runs: int, port_offset: int = 0) -> None:
    """Add runs until there are so many, of today."""
    api, google = (f"http://localhost:{port + port_offset}" for port in (ALGOITNY.local_port, GOOGLE.port))
    live(api, google, runs=runs)


if __name__ == "__main__":
    typer.run(main)
