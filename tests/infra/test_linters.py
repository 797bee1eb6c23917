"""Two independent linters that know CloudFormation's schemas find nothing wrong, offline."""

import json
from typing import Any

import cfnlint.api  # type: ignore[import-untyped]
import pytest
from cfnlint.config import ManualArgs  # type: ignore[import-untyped]
from cloudformation_validate import RegoEngine, Severity  # type: ignore[import-untyped]

# CDK makes a function wait for its role's policy by naming both; naming the role twice does no harm.
ACCEPTED = {"W3005"}


@pytest.fixture(scope="module")
def engine():
    return RegoEngine()


def test_cfn_lint_finds_nothing(deployed):
    for template in deployed.templates.values():
        config = ManualArgs(regions=["us-east-1", "eu-central-1"], ignore_checks=sorted(ACCEPTED))
        findings = cfnlint.api.lint(template.path.read_text(), config=config)
        assert [f"{finding.rule.id} {finding.message} {finding.path}" for finding in findings] == []


def test_cloudformation_validate_finds_nothing(deployed, engine):
    for template in deployed.templates.values():
        assert serious(engine.validate_template(str(template.path))) == []


def test_both_linters_would_say_so(prod, engine, tmp_path):
    """The control: the same template with a property that does not exist."""
    broken = json.loads(prod.app.path.read_text())
    for queue in prod.app.of_type("AWS::SQS::Queue"):
        broken["Resources"][queue]["Properties"]["VisibilityTimeOut"] = 1
    path = tmp_path / "broken.template.json"
    path.write_text(json.dumps(broken))
    assert cfnlint.api.lint(path.read_text(), config=ManualArgs(regions=["us-east-1"]))
    assert serious(engine.validate_template(str(path)))


def serious(report: Any) -> list[str]:
    found = [finding for finding in report.diagnostics if finding.severity != Severity.INFO]
    return [f"{finding.rule_id} {finding.message}" for finding in found if finding.rule_id not in ACCEPTED]
