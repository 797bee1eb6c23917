"""Every rule can fail: templates are broken in one way after the other, and each time a named rule says so."""

from collections import Counter
from collections.abc import Mapping

import pytest

from tests.infra.gates.catalogue import RULES
from tests.infra.gates.loading import deployment_of
from tests.infra.gates.model import Deployment
from tests.infra.mutants.catalogue import MUTANTS
from tests.infra.mutants.making import Mutant


@pytest.fixture(scope="module")
def deployments(assemblies) -> Mapping[str, Deployment]:
    return {name: deployment_of(assemblies[name]) for name in {mutant.environment for mutant in MUTANTS}}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_it_is_caught(deployments, mutant: Mutant):
    rule, intact = RULES[mutant.caught_by], deployments[mutant.environment]
    broken = intact.copy()
    mutant.break_(broken)
    assert broken.fingerprint() != intact.fingerprint(), "nothing was broken"
    assert set(rule.findings(broken)) - set(rule.findings(intact)), f"{rule.name} does not notice"


def test_every_rule_is_shown_to_fail():
    assert RULES.keys() == {mutant.caught_by for mutant in MUTANTS}


def test_every_mutant_has_a_name_of_its_own():
    assert [name for name, count in Counter(mutant.name for mutant in MUTANTS).items() if count > 1] == []
