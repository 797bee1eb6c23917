"""The rules over everything that is synthesised, and the rules about the rules.

All rules over all four environments took 0.1 s with reading the templates and bundles (`time.perf_counter` around
`deployment_of` and `findings`, November 2026, two cores), and grow to about 0.5 s with four services of this size.
"""

import json
import re
from dataclasses import replace

import pytest

from cdk_app.environments import ENVIRONMENTS
from cdk_app.services.registry import SERVICES
from lambda_src.dynamo.schema import Table
from tests.infra.gates.catalogue import MODULES, RULES, findings
from tests.infra.gates.loading import RELEASED, deployment_of
from tests.infra.gates.model import Deployment, Rule, Stack
from tests.infra.gates.references import FUNCTION
from tests.infra.gates.released import compared
from tests.infra.gates.shapes import chosen, names_in
from tests.infra.gates.variables import LOOKS_SECRET, WORD, is_random
from tests.infra.mutants import of_releases
from tests.infra.mutants.making import Mutant
from tests.infra.release import DEPLOYED, keep
from tests.infra.variants import RESTORED, VARIANTS
from tests.support.assembly import ROOT

GATES = ROOT / "tests" / "infra" / "gates"
SECOND = "SecondService"
MUTANTS_OF_RELEASES = [found for found in vars(of_releases).values() if isinstance(found, Mutant)]


def test_no_rule_finds_anything(assembly):
    found = findings(deployment_of(assembly))
    assert [f"{finding} ({RULES[finding.rule].reason})" for finding in found] == []


def test_whatever_a_service_counts_is_drawn_or_watched(prod):
    """A figure that no graph and no alarm reads is written for nobody."""
    unseen = []
    for service in SERVICES:
        folder = ROOT / "lambda_src" / "services" / service.package
        text = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
        counted = set(re.findall(r'metrics\.count\(\s*"(\w+)"', text)) | set(
            re.findall(r'^    [A-Z_]+ = "(\w+)"', text.partition("class Counts(StrEnum):")[2], flags=re.MULTILINE)
        )
        assert counted
        shown = prod.templates[f"{service.name}App"].path.read_text(encoding="utf-8")
        unseen += [f"{service.package}: {name}" for name in sorted(counted) if name not in shown]
    assert unseen == []


def renamed(table: Table, base_name: str) -> Table:
    copy = replace(table, base_name=base_name)
    copy.entities.extend(table.entities)
    copy.patterns.extend(table.patterns)
    return copy


def with_a_second_service(deployment: Deployment) -> Deployment:
    """The same deployment with a copy of its first service under another name: same logical ids, other names."""
    first = SERVICES[0].name
    both = deployment.copy()
    for stack in deployment.stacks.values():
        if stack.name.startswith(first):
            name, full_name = (each.replace(first, SECOND) for each in (stack.name, stack.full_name))
            body = json.loads(json.dumps(stack.body).replace(first, SECOND))
            both.stacks[name] = Stack(name, full_name, body, stack.is_protected)
    copies = [
        renamed(table, table.base_name.replace(first, SECOND))
        for table in deployment.declared
        if table in SERVICES[0].tables
    ]
    both.declared = (*deployment.declared, *copies)
    origins = deployment.environment.web_origins
    both.environment = replace(deployment.environment, web_origins={**origins, SECOND: origins[first]})
    both.services = (*deployment.services, replace(SERVICES[0], name=SECOND, tables=copies))
    return both


def test_a_second_service_is_checked_like_the_first(prod):
    """Clean beside its neighbour, and with the same findings when it is broken."""
    both = with_a_second_service(deployment_of(prod))
    assert [str(finding) for finding in findings(both) if SECOND in finding.where] == []
    for stack in both.stacks.values():
        for resource in stack.resources.values():
            resource.properties.pop("Tags", None)
            resource.properties.pop("AlarmActions", None)
    found = [finding for finding in findings(both) if finding.rule != "logical-ids-stay"]
    of_second = {(f.rule, f.where.replace(SECOND, SERVICES[0].name)) for f in found if SECOND in f.where}
    assert of_second
    assert of_second == {(f.rule, f.where) for f in found if SERVICES[0].name in f.where}


@pytest.mark.parametrize("name", VARIANTS)
def test_no_rule_finds_anything_in_an_environment_as_it_is_for_a_while(variants, name):
    """An emergency is no time for a red build, and a flag no way around a rule."""
    assert [str(finding) for finding in findings(deployment_of(variants[name]))] == []


def test_functions_and_alarms_name_restored_tables_while_those_are_in_use(variants):
    deployment = deployment_of(variants["restored"])
    restored = json.dumps([stack.body for stack in deployment.stacks.values()])
    assert all(name in restored for name in RESTORED.values())


def test_every_api_of_a_closed_production_is_told_so_and_no_worker(variants):
    deployment = deployment_of(variants["closed"])
    told = {
        str(function): function.properties["Environment"]["Variables"].get("MAINTENANCE_MODE")
        for function in deployment.of_type(FUNCTION)
    }
    others = len(told) - len(SERVICES)
    assert sorted(map(str, told.values())) == ["None"] * others + ["read_only"] * len(SERVICES)
    assert all(("Api" in name) is (mode == "read_only") for name, mode in told.items())


def test_every_property_that_was_chosen_is_used(assemblies, variants):
    """A line that nothing needs any more is an open door."""
    used: dict[str, set[str]] = {}
    for assembly in (*assemblies.values(), *variants.values()):
        for stack in deployment_of(assembly).stacks.values():
            for resource in stack.resources.values():
                used.setdefault(resource.type, set()).update(names_in(resource))
    assert {kind: sorted(names) for kind, names in used.items()} == chosen()


def test_no_rule_names_a_service():
    words = {name for service in SERVICES for name in (service.name, service.package, service.title)}
    for path in GATES.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not [word for word in words if word in text], path


def test_every_rule_has_a_name_of_its_own_and_a_reason():
    rules = [found for module in MODULES for found in vars(module).values() if isinstance(found, Rule)]
    assert len({rule.name for rule in rules}) == len(rules)
    for rule in rules:
        assert re.fullmatch(r"[a-z0-9-]+", rule.name), rule.name
        assert len(rule.reason) > len(rule.name), rule.name


def test_only_what_the_emulator_cannot_do_is_left_out_on_this_machine():
    assert {rule.name for rule in RULES.values() if rule.not_local} == {
        "operations-are-watched",
        "spending-is-watched",
        "tables-are-watched",
    }


@pytest.mark.parametrize(
    "value",
    [
        "https://sqs.eu-central-1.amazonaws.com/123456789012/StockTrackRecord-Processing-prod",
        "arn:aws:dynamodb:eu-central-1:123456789012:table/nbhd-city-prod-restored-2026-11-21",
        "lambda_src.services.stock_track_record.handlers.worker.handler",
        "https://stocktrackrecord.example,http://localhost:5173",
        "/var/task/amazon_roots.pem",
        "yoto-smart-stream-transcripts-2026-production",
    ],
)
def test_names_addresses_and_paths_are_no_secrets(value):
    assert not LOOKS_SECRET.search(value)
    assert not [word for word in WORD.findall(value) if is_random(word)]


def test_every_environment_on_aws_has_its_last_release():
    assert {folder.name for folder in RELEASED.iterdir()} == set(DEPLOYED) == ENVIRONMENTS.keys() - {"local"}


@pytest.mark.parametrize("environment", DEPLOYED)
def test_a_release_holds_no_hash_that_changes_with_every_commit(environment):
    for path in (RELEASED / environment).glob("*.json"):
        assert not re.search(r"[0-9a-f]{64}", path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize("mutant", MUTANTS_OF_RELEASES, ids=lambda mutant: mutant.name)
def test_rules_find_the_same_in_what_a_release_keeps_as_in_whole_templates(prod, mutant):
    deployment = deployment_of(prod)
    mutant.given(deployment)
    broken = deployment.copy()
    mutant.break_(broken)
    broken.released = {name: stack.body for name, stack in deployment.stacks.items()}
    found = [str(finding) for finding in findings(broken)]
    assert mutant.caught_by in str(found)
    broken.released = {name: compared(body) for name, body in broken.released.items()}
    assert [str(finding) for finding in findings(broken)] == found


def test_what_a_release_keeps_fits_a_review(prod, tmp_path):
    """And loses nothing on the way to the file."""
    keep(prod, tmp_path / "prod")
    for path in (tmp_path / "prod").iterdir():
        text = path.read_text(encoding="utf-8")
        assert json.loads(text) == compared(prod.templates[path.stem].body)
        assert max(map(len, text.splitlines())) <= 130
        assert len(text.splitlines()) < 100


def test_keeping_a_release_forgets_the_one_before(prod, tmp_path):
    folder = tmp_path / "prod"
    keep(prod, folder)
    (folder / "Gone.json").write_text(json.dumps({"Resources": {}}))
    keep(prod, folder)
    assert {path.name for path in folder.iterdir()} == {f"{name}.json" for name in prod.templates}
