"""The synthesised stacks, made once per test run however many workers pytest has."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from cdk_app.environments import ENVIRONMENTS
from tests.infra.variants import SYNTHESISED, VARIANTS
from tests.support.assembly import Assembly, synthesised_once


@pytest.fixture(scope="session")
def _synthesised(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The folder with an assembly for every environment and every variant, by name."""
    base = tmp_path_factory.getbasetemp()
    return synthesised_once(base if worker_id == "master" else base.parent, *SYNTHESISED)


@pytest.fixture(scope="session")
def assemblies(_synthesised: Path) -> Mapping[str, Assembly]:
    """The assembly of every environment, by name."""
    return {name: Assembly(name, _synthesised / name) for name in ENVIRONMENTS}


@pytest.fixture(scope="session")
def variants(_synthesised: Path) -> Mapping[str, Assembly]:
    """What `VARIANTS` become, by name."""
    return {name: Assembly(variant.name, _synthesised / name) for name, variant in VARIANTS.items()}


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
