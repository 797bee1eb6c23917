"""What a new local cloud shows of AlgoItny."""

from collections.abc import Iterator

import pytest

from cdk_app.services.algoitny import samples, story
from cdk_app.services.algoitny.google.app import google_app
from cdk_app.services.algoitny.google.world import ADMINISTRATOR, CLIENT_ID, SAMPLE_PEOPLE, World
from lambda_src.dynamo.store import Store
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.problems.repository import ProblemRepository
from tests.support.algoitny import PLANS, PRO, MakeJudge, PlayedJudge
from tests.support.http_server import ThreadedServer

RUNS = 20
LIMIT = 5


@pytest.fixture
def google() -> Iterator[tuple[World, str]]:
    world = World()
    with ThreadedServer(google_app(world)) as server:
        yield world, server.url


@pytest.fixture
def judge(google, new_judge: MakeJudge) -> PlayedJudge:
    world, url = google
    judge = new_judge(
        google_client_ids=CLIENT_ID, google_redirect_uris=samples.PAGE, google_jwks_url=f"{url}/certs",
        google_token_url=f"{url}/token",
    )  # fmt: skip
    judge.plan(**{**PLANS[0], "max_executions_per_day": LIMIT})
    judge.secret.held["admin_emails"] = ADMINISTRATOR.email
    world.seconds = judge.resources.seconds
    return judge


def plant(judge: PlayedJudge, url: str) -> None:
    samples.register(ProblemRepository(Store(judge.resources.client, judge.names), judge.clock))
    samples.live(str(judge.api.base_url), url, runs=RUNS)


def test_people_have_run_forty_problems_and_one_of_them_is_at_the_limit(judge, google):
    _, url = google
    plant(judge, url)
    plant(judge, url)  # of a day it is the same however often

    assert judge.stored_plan(PRO)["uct"] == len(SAMPLE_PEOPLE) - 1
    found = judge.items()
    assert sum(item.get("tp") == "prob" and item["cmp"] for item in found) == len(story.PROBLEMS) == 40
    runs = [item for item in found if item.get("tp") == "hist"]
    assert len(runs) == RUNS + LIMIT
    assert {item["res"] for item in runs} == {"passed", "failed"}
    limited = judge.item(items.EMAIL_GUARD.key(email=SAMPLE_PEOPLE[0].email))["uid"]
    assert sum(item["uid"] == limited for item in runs) == LIMIT
    shown = judge.ask("GET", "/api/history?scope=public&limit=100").json()["results"]
    assert len(shown) == sum(item["pub"] for item in runs)
    assert {run["language"] for run in shown} == set(story.LANGUAGES)
