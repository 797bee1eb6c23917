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
def deployments(assemblies, variants) -> Mapping[str, Deployment]:
    known = {**assemblies, **variants}
    return {name: deployment_of(known[name]) for name in {mutant.environment for mutant in MUTANTS}}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_it_is_caught_in_every_service(deployments, mutant: Mutant):
    rule, intact = RULES[mutant.caught_by], deployments[mutant.environment]
    known, noticed = set(rule.findings(intact)), set()
    for service in intact.services:
        of_service = intact.of_service(service).copy()
        try:
            mutant.given(of_service)
            whole = of_service.copy()
            mutant.break_(of_service)
        except NothingToBreak:
            continue
        others = {name: stack for name, stack in intact.stacks.items() if intact.service_of(stack) is not service}
        tables = tuple(table for table in intact.declared if table not in service.tables)
        stacks, declared = {**others, **of_service.stacks}, (*tables, *of_service.declared)
        broken = replace(of_service, stacks=stacks, declared=declared)
        assert of_service.fingerprint() != whole.fingerprint(), f"nothing was broken in {service.name}"
        named = intact.environment.name
        about = [service.name, *(table.physical_name(named) for table in service.tables)]
        found = [str(finding) for finding in set(rule.findings(broken)) - known]
        if any(word in finding for finding in found for word in about):
            noticed.add(service.name)
    assert noticed == {service.name for service in intact.services} - set(mutant.not_in), rule.name


def test_every_rule_is_shown_to_fail():
    assert RULES.keys() == {mutant.caught_by for mutant in MUTANTS}


def test_every_mutant_has_a_name_of_its_own():
    assert [name for name, count in Counter(mutant.name for mutant in MUTANTS).items() if count > 1] == []
