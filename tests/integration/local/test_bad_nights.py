"""`make run` after each fault of a bad night: what it says, which code answers, and that nothing acknowledged is gone.

On a copy of the repository, whose sources are edited. Its small versions are in test_ministack.py and tests/unit/local.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from cdk_app.local.layout import ROOT
from tests.support.make_run import MakeRun

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="reads the process table of Linux"),
]

INSTALLED: Final = (".venv", "node_modules", ".wheelhouse", ".local/ministack-venv")
HEALTH: Final = "lambda_src/services/nbhd_city/health.py"
ANSWER: Final = '{"status": "healthy"}'


@pytest.fixture(scope="module")
def local_cloud(tmp_path_factory) -> Iterator[MakeRun]:
    root = tmp_path_factory.mktemp("copy")
    for name in ("app.py", "cdk.json", "requirements.txt", "package.json", "package-lock.json"):
        shutil.copy(ROOT / name, root)
    for name in ("cdk_app", "lambda_src"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    (root / ".local").mkdir()
    for name in INSTALLED:
        (root / name).symlink_to(ROOT / name)
    local_cloud = MakeRun(tmp_path_factory.mktemp("logs"), root)
    yield local_cloud
    local_cloud.end()


def edit(local_cloud: MakeRun, edition: int) -> None:
    path = local_cloud.root / HEALTH
    assert ANSWER in (ROOT / HEALTH).read_text()
    path.write_text((ROOT / HEALTH).read_text().replace(ANSWER, f'{{"status": "healthy", "edition": "{edition}"}}'))


def edition_of(local_cloud: MakeRun) -> str:
    edition: str = local_cloud.nbhd_api.get("/health").json()["edition"]
    return edition


def signed_in(local_cloud: MakeRun) -> dict[str, str]:
    answer = local_cloud.nbhd_api.post("/auth/test-login", json={"username": "alice", "password": "alice"})
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def create(local_cloud: MakeRun, name: str) -> None:
    body = {"name": name, "description": "acknowledged"}
    assert local_cloud.nbhd_api.post("/api/nbhds", json=body, headers=signed_in(local_cloud)).status_code == 201


def names(local_cloud: MakeRun) -> set[str]:
    answer = local_cloud.nbhd_api.get("/api/users/me/nbhds", headers=signed_in(local_cloud))
    return {each["name"] for each in answer.json()["neighborhoods"]}


def halve(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def test_the_code_that_was_edited_answers_after_a_power_cut_and_over_a_state_of_before(local_cloud):
    state = local_cloud.state_directory / "ministack" / "state"
    local_cloud.forget()
    edit(local_cloud, 1)
    local_cloud.start()
    create(local_cloud, "Before the night")
    before = state.with_name("kept-by-the-test")
    shutil.copytree(state, before)

    local_cloud.kill_everything()
    edit(local_cloud, 2)
    assert "Deploying" in local_cloud.start()
    local_cloud.kill_everything()
    assert "Deploying" not in local_cloud.start()
    assert edition_of(local_cloud) == "2"

    local_cloud.kill_everything()
    shutil.rmtree(state)
    before.rename(state)
    assert "Deploying" in local_cloud.start()
    assert edition_of(local_cloud) == "2"
    assert "Before the night" in names(local_cloud)

    local_cloud.kill_the_runner()
    assert "Deploying" not in local_cloud.start()
    assert "Before the night" in names(local_cloud)

    for file in ("secretsmanager.json", "lambda.json", "servicediscovery.json", "sqs.json"):
        local_cloud.interrupt()
        halve(state / file)
        printed = local_cloud.start()
        assert f"state is damaged ({file})" in printed
        assert (edition_of(local_cloud), "Before the night" in names(local_cloud)) == ("2", True)

    local_cloud.interrupt()
    for generation in (state, state.with_name("state.before")):
        halve(generation / "secretsmanager.json")
    assert "people sign in again" in local_cloud.start()
    assert (edition_of(local_cloud), "Before the night" in names(local_cloud)) == ("2", True)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (lambda state: halve(state / "dynamodb" / "shared-local-instance.db"), "Its file is damaged"),
        (lambda state: (state / "dynamodb" / "shared-local-instance.db").write_text("no database" * 1000), "damaged"),
    ],
    ids=["halved", "overwritten"],
)
def test_damaged_tables_are_named_with_a_way_out(local_cloud, fault: Callable[[Path], None], told: str):
    local_cloud.forget()
    local_cloud.start()
    local_cloud.interrupt()
    fault(local_cloud.state_directory)
    printed = local_cloud.start_that_fails()
    assert "The local cloud stopped. DynamoDB Local: SQLiteException" in printed
    assert told in printed
    assert "Traceback" not in printed
