"""The GitHub workflows, checked without GitHub: schemas, zizmor, and the rules of this repository."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from cdk_app.environments import ENVIRONMENTS
from cdk_app.services.registry import SERVICES
from tests.support.assembly import ROOT

GITHUB = ROOT / ".github"
TOOLS = Path(sys.executable).parent
WORKFLOWS = {path.name: path for path in sorted((GITHUB / "workflows").glob("*.yml"))}
ACTIONS = sorted((GITHUB / "actions").glob("*/action.yml"))
DEPLOYED = {name for name, environment in ENVIRONMENTS.items() if not environment.on_this_machine}

PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
MINUTES_AT_MOST = 60


def content(path: Path) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(path.read_text())
    return parsed


def triggers(workflow: dict[str, Any]) -> set[str]:
    """What starts a workflow. YAML 1.1 reads the key `on` as true."""
    return set(workflow[True])  # type: ignore[index]


def jobs(*, calling: bool = False) -> dict[str, dict[str, Any]]:
    """Every job by `file/job`: those with steps, or those that call another workflow."""
    return {
        f"{name}/{job_name}": job
        for name, path in WORKFLOWS.items()
        for job_name, job in content(path)["jobs"].items()
        if ("uses" in job) == calling
    }


JOBS = jobs()
TEXTS = {path.name: path.read_text() for path in (*WORKFLOWS.values(), *ACTIONS)}


def run(*command: str, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": path}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT, env=environment)


def test_workflows_are_there():
    assert set(WORKFLOWS) == {"test.yml", "diff.yml", "deploy.yml", "deploy-environment.yml", "nightly.yml"}


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", [*WORKFLOWS.values()]),
        ("vendor.github-actions", ACTIONS),
        ("vendor.dependabot", [GITHUB / "dependabot.yml"]),
    ],
)
def test_files_follow_the_schema_of_github(schema, files):
    # Here, because it compiles a grammar when it is imported, which every worker would do.
    from check_jsonschema import main as check_jsonschema  # type: ignore[import-untyped]  # noqa: PLC0415

    done = CliRunner().invoke(check_jsonschema, ["--builtin-schema", schema, *map(str, files)])
    assert done.exit_code == 0, done.output


def test_zizmor_finds_nothing():
    done = run(str(TOOLS / "zizmor"), "--offline", "--no-progress", "--color", "never", str(GITHUB))
    assert done.returncode == 0, done.stdout


def test_zizmor_would_say_so(tmp_path):
    """The control: Diff, started by the event that hands secrets to forks."""
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "diff.yml").write_text(TEXTS["diff.yml"].replace("pull_request:", "pull_request_target:"))
    done = run(str(TOOLS / "zizmor"), "--offline", "--no-progress", "--color", "never", str(tmp_path))
    assert done.returncode != 0
    assert "dangerous-triggers" in done.stdout


def test_nothing_starts_with_the_rights_of_the_base_repository():
    for path in WORKFLOWS.values():
        assert not triggers(content(path)) & {"pull_request_target", "workflow_run", "issue_comment"}


@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
def test_every_job_ends_in_time_on_a_named_machine(job):
    assert 0 < job["timeout-minutes"] <= MINUTES_AT_MOST
    assert job["runs-on"] == "ubuntu-24.04"


def test_permissions_are_none_until_a_job_names_its_own():
    for path in WORKFLOWS.values():
        assert content(path)["permissions"] == {}
    for job in (*JOBS.values(), *jobs(calling=True).values()):
        assert job["permissions"]["contents"] == "read"
        assert set(job["permissions"]) <= {"contents", "id-token", "pull-requests"}


def test_a_job_with_a_token_for_aws_may_not_write_to_github_and_keeps_no_cache():
    with_token = [job for job in JOBS.values() if "id-token" in job["permissions"]]
    assert len(with_token) == 3, "diff, deploy and drift"
    for job in with_token:
        assert job["permissions"] == {"contents": "read", "id-token": "write"}
        assert not [step for step in job["steps"] if step.get("with", {}).get("cache")]


def test_credentials_in_a_pull_request_meet_only_the_code_of_the_base_branch():
    [(name, job)] = [
        (name, job) for name, job in JOBS.items() if name.startswith("diff.yml") and "id-token" in job["permissions"]
    ]
    checkout = job["steps"][0]
    assert name == "diff.yml/diff"
    assert checkout["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert "head.repo.full_name == github.repository" in JOBS["diff.yml/synth"]["if"], "forks stay out"
    assert job["needs"] == "synth"


def test_every_checkout_forgets_its_token():
    checkouts = [step for job in JOBS.values() for step in job["steps"] if "actions/checkout" in step.get("uses", "")]
    assert len(checkouts) == len(JOBS)
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("name", TEXTS)
def test_actions_of_others_are_pinned_to_a_commit_with_its_version(name):
    used = re.findall(r"uses: (.+)", TEXTS[name])
    assert used
    for reference in used:
        if reference.startswith("./"):
            assert (ROOT / reference).exists(), reference
        else:
            assert PINNED.fullmatch(reference), reference


@pytest.mark.parametrize("name", TEXTS)
def test_there_are_no_secrets_and_no_long_lived_keys(name):
    assert "secrets." not in TEXTS[name]
    assert "secrets: inherit" not in TEXTS[name]
    assert not re.search(r"aws-access-key-id|aws-secret-access-key|AWS_SECRET|AKIA", TEXTS[name])


def test_no_script_is_put_together_from_expressions():
    for job in JOBS.values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), "a title of a pull request would become code"


def test_every_make_target_and_script_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = {target for text in TEXTS.values() for target in re.findall(r"(?<!name: )\bmake ([a-z-]+)", text)}
    assert used == {"setup", "synth", "deploy", "drift", "audit", "sbom"}
    assert used <= targets
    scripts = {script for text in TEXTS.values() for script in re.findall(r"\.ci/[a-z-]+", text)}
    assert scripts == {".ci/run", ".ci/smoke", ".ci/diff-comment"}
    assert all((ROOT / script).stat().st_mode & stat.S_IXUSR for script in scripts)


def test_main_is_deployed_after_its_tests_one_environment_after_the_other():
    deploy = content(WORKFLOWS["deploy.yml"])
    assert deploy[True]["push"] == {"branches": ["main"]}  # type: ignore[index]
    order = {name: job.get("needs") for name, job in deploy["jobs"].items()}
    assert order == {"test": None, "dev": "test", "staging": "dev", "prod": "staging"}
    for name in DEPLOYED:
        assert deploy["jobs"][name]["with"] == {"environment": name}


def test_a_deployment_takes_place_in_the_environment_its_reviewers_guard():
    job = JOBS["deploy-environment.yml/deploy"]
    assert job["environment"] == "${{ inputs.environment }}"
    assert job["concurrency"] == {"group": "deploy-${{ inputs.environment }}", "cancel-in-progress": False}
    assert job["steps"][-1]["run"] == ".ci/smoke outputs.json"


@pytest.mark.parametrize("name", ["test.yml/synth", "diff.yml/synth"])
def test_templates_are_made_of_every_environment(name):
    assert set(JOBS[name]["strategy"]["matrix"]["environment"]) == DEPLOYED


@pytest.mark.parametrize(("name", "purpose"), [("diff.yml/diff", "DIFF"), ("nightly.yml/drift", "DRIFT")])
def test_every_environment_is_looked_at_with_a_role_of_its_own(name, purpose):
    roles = {entry["environment"]: entry["role"] for entry in JOBS[name]["strategy"]["matrix"]["include"]}
    assert roles == {environment: f"{environment.upper()}_{purpose}_ROLE" for environment in DEPLOYED}


def test_the_manual_names_every_variable_and_links_to_files_that_exist():
    manual = (ROOT / "docs" / "ci.md").read_text()
    named = {name for text in TEXTS.values() for name in re.findall(r"vars\.([A-Z_]+)", text)}
    assert named == {"AWS_REGION", "DEPLOY_ROLE"}
    assert all(f"gh variable set {name}" in manual for name in (*named, "DEV_DIFF_ROLE", "DEV_DRIFT_ROLE"))
    for link in re.findall(r"\]\((\.\./[^)#]+)", manual):
        assert (ROOT / "docs" / link).exists(), link


@pytest.fixture
def make_that_notes(tmp_path):
    """A `make` that writes down its arguments, and fails when they contain `broken`."""
    program = tmp_path / "bin" / "make"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\ncase "$*" in *broken*) exit 1;; esac\n')
    program.chmod(0o755)

    def call(outputs: dict[str, dict[str, str]]) -> tuple[int, list[str]]:
        (tmp_path / "outputs.json").write_text(json.dumps(outputs))
        done = run(".ci/smoke", str(tmp_path / "outputs.json"), path=f"{program.parent}:{os.environ['PATH']}")
        calls = tmp_path / "calls"
        return done.returncode, calls.read_text().splitlines() if calls.exists() else []

    return call


def test_smoke_visits_every_api_that_was_deployed(make_that_notes, assemblies):
    stacks = assemblies["dev"].stack_names
    outputs = {name: {"ApiUrl": f"https://{name}.example"} if name.endswith("App") else {} for name in sorted(stacks)}
    code, calls = make_that_notes(outputs)
    assert code == 0
    assert calls == [
        f"smoke SERVICE={service.name} URL=https://dev-{service.name}App.example"
        for service in sorted(SERVICES, key=lambda service: service.name)
    ]


def test_smoke_fails_with_the_first_api_that_fails(make_that_notes):
    apis = {"dev-AApp": {"ApiUrl": "https://broken"}, "dev-BApp": {"ApiUrl": "https://fine"}}
    code, calls = make_that_notes(apis)
    assert code != 0
    assert len(calls) == 1


def test_smoke_fails_when_there_is_nothing_to_test(make_that_notes):
    assert make_that_notes({"dev-StockTrackRecordData": {"TableArn": "arn"}}) == (1, [])


def test_the_comment_holds_each_diff_as_text_without_account_numbers(tmp_path):
    (tmp_path / "dev.txt").write_text("[+] AWS::SQS::Queue\n```\n</details> <script>\n")
    (tmp_path / "staging.txt").write_text("arn:aws:iam::123456789012:role/a\n")
    (tmp_path / "prod.txt").write_text("a long line of changes — in UTF-8\n" * 10_000)
    done = run(".ci/diff-comment", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "    [+] AWS::SQS::Queue\n    ```\n    </details> <script>\n" in done.stdout, (
        "indented: code, whatever it says"
    )
    assert "123456789012" not in done.stdout
    assert "Cut here" in done.stdout
    assert len(done.stdout) < 65_536, "the most that GitHub takes"


def test_the_comment_needs_every_environment(tmp_path):
    (tmp_path / "dev.txt").write_text("no changes\n")
    assert run(".ci/diff-comment", str(tmp_path)).returncode != 0
