"""Runbooks and alarms belong together, and no page sends its reader to something that does not exist."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

from cdk_app.constructs.queries import QUERIES
from cdk_app.constructs.runbooks import FOLDER, RUNBOOKS
from tests.support.assembly import ROOT, Assembly

PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / FOLDER).glob("*.md"))}
KINDS = {runbook.name: runbook for runbook in RUNBOOKS}
OVERVIEW = "README"
PARTS = ["What it means", "Look", "Do", "Over when"]
SHELL = ROOT / FOLDER / "shell.sh"
# What the AWS CLI calls differently from botocore, and what it adds of its own.
CLI_NAMES = {"deploy": "codedeploy"}
CLI_COMMANDS = {("logs", "tail"): {"since", "filter-pattern"}}
CLI_OPTIONS = {"query", "output", "region", "max-items", "cli-binary-format"}


def blocks(text: str) -> str:
    """The shell commands of a page, a command to a line, and those inside sentences."""
    fenced = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    inline = re.findall(r"`(aws [^`]*|make [^`]*)`", text)
    return "\n".join([*fenced, *inline]).replace("\\\n", " ")


def commands() -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Every `aws` command of the pages and their shell: place, service, operation, options."""
    texts = {**PAGES, SHELL.name: f"```sh\n{SHELL.read_text(encoding='utf-8')}```"}
    found = []
    for place, text in texts.items():
        for service, operation, rest in re.findall(
            r"\baws ([a-z]+) ([a-z-]+)((?:(?!\baws [a-z]+ [a-z]|\n).)*)", blocks(text)
        ):
            options = tuple(re.findall(r"(?<![\w-])--([a-z-]+)", rest))
            found.append((place, service, operation, options))
    return found


def pages_of(assemblies: Mapping[str, Assembly]) -> set[str]:
    """Pages that alarms and budgets of any environment lead to."""
    named = set()
    for assembly in assemblies.values():
        for template in assembly.templates.values():
            for alarm in template.of_type("AWS::CloudWatch::Alarm").values():
                [page] = re.findall(rf"{FOLDER}/([a-z-]+)\.md$", alarm["Properties"]["AlarmDescription"])
                named.add(page)
            if template.of_type("AWS::Budgets::Budget"):
                named.add("budget")  # a budget has no room for a link
    return named


def test_every_alarm_has_its_page_and_every_page_an_alarm(assemblies):
    assert pages_of(assemblies) == KINDS.keys() == PAGES.keys() - {OVERVIEW}


@pytest.mark.parametrize("page", sorted(PAGES.keys() - {OVERVIEW}))
def test_a_page_says_what_it_means_where_to_look_what_to_do_and_when_it_is_over(page):
    assert re.findall(r"^## (.+)$", PAGES[page], flags=re.MULTILINE) == PARTS
    assert all(part.strip() for part in re.split(r"^## .+$", PAGES[page], flags=re.MULTILINE)[1:])


def test_the_overview_lists_every_page_and_whether_its_end_is_told():
    rows = re.findall(r"^\| \[([a-z-]+)\]\(\1\.md\) \| .+ \| (yes|no) \|$", PAGES[OVERVIEW], flags=re.MULTILINE)
    assert dict(rows) == {name: "yes" if kind.tells_when_over else "no" for name, kind in KINDS.items()}


def test_commands_name_outputs_that_every_environment_has(assemblies):
    named = {name for text in PAGES.values() for name in re.findall(r"\$\(output (\w+)\)", text)}
    named |= set(re.findall(r"\$\(output (\w+)\)", SHELL.read_text(encoding="utf-8")))
    assert named
    for assembly in assemblies.values():
        assert named <= assembly.app.body["Outputs"].keys(), assembly.environment


def test_commands_name_resource_types_that_production_has(assemblies):
    named = {name for text in PAGES.values() for name in re.findall(r"\$\(resource ([\w:]+)\)", text)}
    assert named
    assert all(assemblies["prod"].app.of_type(name) for name in named), named


def test_queries_that_pages_and_alarms_ask_are_saved():
    texts = [*PAGES.values(), *(runbook.first for runbook in RUNBOOKS)]
    asked = {name for text in texts for name in re.findall(r'ask "([^"]+)"|saved query\s+`([^`]+)`', text)}
    names = {first or second for first, second in asked}
    assert names <= {query.name for query in QUERIES}
    assert len(names) >= 5


def test_aws_commands_are_operations_of_aws_with_their_options():
    session = botocore.session.get_session()
    assert len(commands()) > 30
    for place, service, operation, options in commands():
        if (service, operation) in CLI_COMMANDS:
            known = CLI_COMMANDS[service, operation]
        else:
            model = session.get_service_model(CLI_NAMES.get(service, service))
            by_name = {xform_name(name, "-"): name for name in model.operation_names}
            assert operation in by_name, (place, service, operation)
            shape = model.operation_model(by_name[operation]).input_shape
            known = {xform_name(name, "-") for name in shape.members} if shape else set()
        assert set(options) <= known | CLI_OPTIONS, (place, service, operation, set(options) - known)


def test_make_targets_that_pages_name_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = {name for text in PAGES.values() for name in re.findall(r"\bmake ([a-z-]+)", blocks(text))}
    assert named
    assert named <= targets


def test_pages_and_files_that_pages_link_to_exist():
    for page, text in PAGES.items():
        for link in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (ROOT / FOLDER / link).is_file(), (page, link)
        for path in re.findall(r"`((?:docs|cdk_app)/[\w/.-]+)`", text):
            assert (ROOT / path).is_file(), (page, path)


def test_the_shell_helpers_are_what_their_head_lists():
    text = SHELL.read_text(encoding="utf-8")
    listed = re.findall(r"^# (\w+) .*? {4,}\w", text, flags=re.MULTILINE)
    assert sorted(re.findall(r"^(\w+)\(\) \{$", text, flags=re.MULTILINE)) == sorted(listed)


@pytest.mark.parametrize(
    ("arguments", "expected"), [("local", "local-StockTrackRecordApp"), ("prod Yoto", "prod-YotoApp")]
)
def test_the_shell_helpers_can_be_loaded(arguments, expected):
    done = subprocess.run(
        ["bash", "-euc", f". {SHELL} {arguments} && type ago ask alarms output resource >/dev/null && echo $STACK"],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert done.stdout.strip() == expected


def test_the_shell_helpers_ask_for_an_environment():
    done = subprocess.run(["bash", "-c", f". {SHELL}"], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode != 0
    assert "name an environment" in done.stderr


def test_pages_are_not_too_long_to_read_at_night():
    assert all(len(text.splitlines()) <= 80 for text in PAGES.values() if text != PAGES[OVERVIEW])
    assert Path(SHELL).stat().st_size < 4096
