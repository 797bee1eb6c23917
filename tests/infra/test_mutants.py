"""Every rule can fail: templates are broken in one way after the other, and each time a named rule says so.

Each fault is put into each service that has the resource, so that no rule holds for one service alone.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.infra.gates.catalogue import RULES
from tests.infra.gates.loading import deployment_of
from tests.infra.gates.model import Deployment
from tests.infra.mutants.catalogue import MUTANTS
from tests.infra.mutants.making import Mutant, NothingToBreak


@pytest.fixture(scope="module")
def deployments(assemblies) -> Mapping[str, Deployment]:
    return {name: deployment_of(assemblies[name]) for name in {mutant.environment for mutant in MUTANTS}}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_it_is_caught_in_every_service(deployments, mutant: Mutant):
    rule, intact = RULES[mutant.caught_by], deployments[mutant.environment]
    known, broken_services = set(rule.findings(intact)), []
    for service in intact.services:
        of_service = intact.of_service(service).copy()
        try:
            mutant.break_(of_service)
        except NothingToBreak:
            continue
        others = {name: stack for name, stack in intact.stacks.items() if intact.service_of(stack) is not service}
        broken = replace(of_service, stacks={**others, **of_service.stacks})
        assert broken.fingerprint() != intact.fingerprint(), f"nothing was broken in {service.name}"
        assert set(rule.findings(broken)) - known, f"{rule.name} does not notice it in {service.name}"
        broken_services.append(service.name)
    assert broken_services, "no service has what this fault is in"


def test_every_rule_is_shown_to_fail():
    assert RULES.keys() == {mutant.caught_by for mutant in MUTANTS}


def test_every_mutant_has_a_name_of_its_own():
    assert [name for name, count in Counter(mutant.name for mutant in MUTANTS).items() if count > 1] == []
