"""Public tools over our templates: two linters that know CloudFormation's schemas, and cdk-nag at synthesis.

All of them work offline. Each finds nothing here, and is shown to find what it is here for: the rules of our own
(`test_gates.py`) do without everything that one of these already catches.
"""

import json
import re
from pathlib import Path

import pytest
from cloudformation_validate import RegoEngine, Severity  # type: ignore[import-untyped]

from cdk_app.services.registry import SERVICES
from tests.infra.gates.loading import deployment_of
from tests.infra.gates.model import Deployment
from tests.infra.mutants import of_schemas
from tests.infra.mutants.making import Mutant
from tests.support.assembly import run_python

# CDK makes a function wait for its role's policy by naming both; naming the role twice does no harm.
ACCEPTED = {"W3005"}
REGIONS = ["us-east-1", "eu-central-1"]
MUTANTS = [found for found in vars(of_schemas).values() if isinstance(found, Mutant)]
CARELESS_APP = "tests/infra/mutants/careless_app.py"
ACKNOWLEDGE = re.compile(r"^ +Careless/(\w+)\S* .*\n +Acknowledge with '\w+::([\w-]+)", re.MULTILINE)
# What cdk-nag must stop, by the construct of the careless app.
STOPPED = {
    ("PlainQueue", "AwsSolutions-SQS3"),
    ("PlainQueue", "AwsSolutions-SQS4"),
    ("PlainQueue", "Serverless-SQSRedrivePolicy"),
    ("PlainTopic", "AwsSolutions-SNS3"),
    ("PlainBucket", "AwsSolutions-S1"),
    ("PlainBucket", "AwsSolutions-S10"),
    ("UnchangingSecret", "AwsSolutions-SMG4"),
    ("BroadRole", "AwsSolutions-IAM4"),
    ("BroadRole", "AwsSolutions-IAM5"),
    ("OldFunction", "AwsSolutions-L1"),
    ("OldFunction", "Serverless-LambdaDefaultMemorySize"),
    ("OldFunction", "Serverless-LambdaDefaultTimeout"),
    ("OldFunction", "Serverless-LambdaTracing"),
    ("SilentStage", "AwsSolutions-APIG1"),
    ("SilentStage", "Serverless-APIGWDefaultThrottling"),
    ("OpenRoute", "AwsSolutions-APIG4"),
}


@pytest.fixture(scope="module")
def engine():
    return RegoEngine()


@pytest.fixture(scope="module")
def intact(assemblies) -> Deployment:
    return deployment_of(assemblies["prod"])


def findings_of_cfn_lint(path: Path) -> dict[str, str]:
    """Message by rule."""
    # Here, because it brings SymPy along, which every worker would import.
    import cfnlint.api  # type: ignore[import-untyped]  # noqa: PLC0415
    from cfnlint.config import ManualArgs  # type: ignore[import-untyped]  # noqa: PLC0415

    config = ManualArgs(regions=REGIONS, ignore_checks=sorted(ACCEPTED))
    found = cfnlint.api.lint(path.read_text(encoding="utf-8"), config=config)
    return {finding.rule.id: f"{finding.message} {finding.path}" for finding in found}


def findings_of_validate(path: Path, engine: RegoEngine) -> dict[str, str]:
    """Message by rule, without what is only worth knowing."""
    found = engine.validate_template(str(path)).diagnostics
    serious = (finding for finding in found if finding.severity != Severity.INFO)
    return {finding.rule_id: finding.message for finding in serious if finding.rule_id not in ACCEPTED}


@pytest.mark.parametrize("name", ["prod", "staging", pytest.param("dev", marks=pytest.mark.soak)])
def test_cfn_lint_finds_nothing(assemblies, name):
    for template in assemblies[name].templates.values():
        assert findings_of_cfn_lint(template.path) == {}


def test_cloudformation_validate_finds_nothing(deployed, engine):
    for template in deployed.templates.values():
        assert findings_of_validate(template.path, engine) == {}


@pytest.mark.parametrize("name", ["with-flags", "without-a-key"])
def test_no_linter_finds_anything_in_a_service_with_its_flags(variants, engine, name):
    for service in SERVICES:
        for stack in service.stack_names("prod") if service.flags else ():
            template = variants[name].templates[stack.removeprefix("prod-")]
            assert findings_of_cfn_lint(template.path) == {}
            assert findings_of_validate(template.path, engine) == {}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_linter_catches_it(intact, engine, tmp_path, mutant: Mutant):
    broken = intact.copy()
    mutant.break_(broken)
    [stack] = [stack for name, stack in broken.stacks.items() if stack.body != intact.stacks[name].body]
    path = tmp_path / "broken.template.json"
    path.write_text(json.dumps(stack.body), encoding="utf-8")
    linter, _, rule = mutant.caught_by.partition(" ")
    found = findings_of_cfn_lint(path) if linter == "cfn-lint" else findings_of_validate(path, engine)
    assert rule in found


def test_cdk_nag_stops_a_careless_app(tmp_path):
    done = run_python(CARELESS_APP, variables={"CDK_OUTDIR": str(tmp_path)})
    assert done.returncode != 0, "the synthesis was not stopped"
    assert STOPPED - set(ACKNOWLEDGE.findall(done.stdout + done.stderr)) == set()
