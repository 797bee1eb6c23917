"""All rules. `test_gates.py` runs them over every environment, `test_mutants.py` shows that each of them can fail."""

from typing import Final

from tests.infra.gates import (
    alarms,
    buckets,
    callers,
    dashboards,
    data,
    declared,
    distributions,
    events,
    functions,
    http,
    identity,
    operators,
    principals,
    promised_objects,
    promises,
    queues,
    released,
    rights,
    rollout,
    shapes,
    stacks,
    streams,
    topics,
    variables,
)
from tests.infra.gates.model import Deployment, Finding, Rule

MODULES: Final = (
    stacks,
    shapes,
    declared,
    data,
    buckets,
    queues,
    streams,
    events,
    functions,
    variables,
    identity,
    principals,
    rights,
    operators,
    callers,
    http,
    distributions,
    rollout,
    alarms,
    topics,
    dashboards,
    released,
    promises,
    promised_objects,
)
RULES: Final = {found.name: found for module in MODULES for found in vars(module).values() if isinstance(found, Rule)}


def findings(deployment: Deployment) -> list[Finding]:
    """Everything that is wrong with what an environment deploys."""
    return [finding for rule in RULES.values() for finding in rule.findings(deployment)]
