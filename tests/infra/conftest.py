"""The synthesised stacks, made once per test run however many workers pytest has."""

import fcntl
import os
from collections.abc import Mapping

import pytest

from cdk_app.constructs import wheelhouse
from cdk_app.constructs.wheelhouse import HOST, LAMBDA_ARM64
from cdk_app.environments import ENVIRONMENTS
from tests.support.assembly import Assembly, synthesise


@pytest.fixture(scope="session")
def _wheelhouse() -> None:
    """Skip where set-up has not run; in CI that is a failure."""
    missing = [target for target in (LAMBDA_ARM64, HOST) if not wheelhouse.location(target).is_dir()]
    if missing and os.environ.get("CI"):
        pytest.fail(f"the wheelhouse is empty: {wheelhouse.FILL_COMMAND}")
    if missing:
        pytest.skip(f"the wheelhouse is empty: {wheelhouse.FILL_COMMAND}")


@pytest.fixture(scope="session")
def assemblies(_wheelhouse: None, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Mapping[str, Assembly]:
    """The assembly of every environment, by name."""
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "assemblies"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = shared / "done"
        if not done.exists():
            synthesise(shared, *ENVIRONMENTS)
            done.touch()
    return {name: Assembly(name, shared / name) for name in ENVIRONMENTS}


@pytest.fixture(params=list(ENVIRONMENTS))
def assembly(request: pytest.FixtureRequest, assemblies: Mapping[str, Assembly]) -> Assembly:
    """One environment after the other."""
    return assemblies[request.param]


@pytest.fixture(params=[name for name in ENVIRONMENTS if name != "local"])
def deployed(request: pytest.FixtureRequest, assemblies: Mapping[str, Assembly]) -> Assembly:
    """One environment on AWS after the other."""
    return assemblies[request.param]


@pytest.fixture
def prod(assemblies: Mapping[str, Assembly]) -> Assembly:
    return assemblies["prod"]
