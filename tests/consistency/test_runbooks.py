"""Runbooks and alarms belong together, and no page sends its reader to something that does not exist."""

import os
import re
import shlex
import subprocess
from collections.abc import Mapping

import botocore.session
import pytest
from botocore import xform_name

from cdk_app.constructs.queries import QUERIES
from cdk_app.constructs.runbooks import FOLDER, RUNBOOKS
from tests.support.assembly import ROOT, Assembly, Template

PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / FOLDER).glob("*.md"))}
KINDS = {runbook.name: runbook for runbook in RUNBOOKS}
OVERVIEW = "README"
PARTS = ["What it means", "Look", "Do", "Over when"]
SHELL = ROOT / FOLDER / "shell.sh"
# What the AWS CLI calls differently from botocore, and what it adds of its own.
CLI_NAMES = {"deploy": "codedeploy"}
CLI_COMMANDS: dict[tuple[str, str], set[str]] = {
    ("logs", "tail"): {"since", "filter-pattern"},
    ("configure", "get"): set(),
    ("dynamodb", "wait"): {"table-name"},
}
CLI_OPTIONS = {"query", "output", "region", "max-items", "cli-binary-format"}
ROLLBACK = ROOT / "docs" / "rollback.md"
GO_LIVE = ROOT / "docs" / "go-live.md"
DOCUMENTS = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "lambda_src").rglob("*.md")}, key=str)


def command_blocks(text: str) -> list[str]:
    """What a reader pastes into a shell, a block each, as it stands in the text."""
    return re.findall(r"^ *```sh\n(.*?)^ *```$", text, flags=re.DOTALL | re.MULTILINE)


def apps(assembly: Assembly) -> list[Template]:
    """The app stacks of all services."""
    return [template for name, template in assembly.templates.items() if name.endswith("App")]


def blocks(text: str) -> str:
    """The shell commands of a page, a command to a line, and those inside sentences."""
    fenced = command_blocks(text)
    inline = re.findall(r"`(aws [^`]*|make [^`]*)`", text)
    return "\n".join([*fenced, *inline]).replace("\\\n", " ")


def commands() -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Every `aws` command of the pages and their shell: place, service, operation, options."""
    texts = {
        **PAGES,
        ROLLBACK.name: ROLLBACK.read_text(encoding="utf-8"),
        GO_LIVE.name: GO_LIVE.read_text(encoding="utf-8"),
        SHELL.name: f"```sh\n{SHELL.read_text(encoding='utf-8')}```",
    }
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
    """A page may name a queue of one service; what the shell's helpers name, every service has."""
    by_pages = {name for text in PAGES.values() for name in re.findall(r"\$\(output (\w+)\)", text)}
    by_helpers = set(re.findall(r"\$\(output (\w+)\)", SHELL.read_text(encoding="utf-8")))
    assert by_pages
    assert by_helpers
    for assembly in assemblies.values():
        outputs = [set(app.body["Outputs"]) for app in apps(assembly)]
        assert by_pages <= set.union(*outputs), assembly.environment
        assert by_helpers <= set.intersection(*outputs), assembly.environment


@pytest.mark.parametrize("ending", ["LogGroup", "QueueUrl", "RuleName"])
def test_every_service_has_outputs_with_the_endings_that_helpers_ask_for(assemblies, ending):
    assert f"_outputs {ending})" in SHELL.read_text(encoding="utf-8")
    for assembly in assemblies.values():
        for app in apps(assembly):
            assert any(name.endswith(ending) for name in app.body["Outputs"]), (assembly.environment, app.name)


def test_secrets_that_commands_change_are_in_a_data_stack(assemblies):
    named = {name for text in PAGES.values() for name in re.findall(r"^ *edit_secret (\w+)$", text, flags=re.MULTILINE)}
    assert named
    for assembly in assemblies.values():
        kept = [name for each in assembly.templates.values() for name in each.of_type("AWS::SecretsManager::Secret")]
        assert all(any(name.startswith(secret) for name in kept) for secret in named), assembly.environment


def test_commands_name_resource_types_that_production_has(assemblies):
    named = {name for text in PAGES.values() for name in re.findall(r"\$\(resource ([\w:]+)\)", text)}
    assert named
    assert all(any(app.of_type(name) for app in apps(assemblies["prod"])) for name in named), named


def test_queries_that_pages_and_alarms_ask_are_saved():
    texts = [*PAGES.values(), *(runbook.first for runbook in RUNBOOKS)]
    asked = {name for text in texts for name in re.findall(r'ask "([^"]+)"|saved query\s+`([^`]+)`', text)}
    names = {first or second for first, second in asked}
    assert names <= {query.name for query in QUERIES}
    assert len(names) >= 5


def test_queries_count_by_what_is_logged_with_their_messages():
    source = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "lambda_src").rglob("*.py")))
    counted = [
        (place, re.findall(r'"([^"]+)"', text.partition("|")[0]), re.findall(r"\w+", text.partition(" by ")[2]))
        for place, page in PAGES.items()
        for text in re.findall(r"query '(filter message [^']*\bby [\w, ]+)", page)
    ]
    checked = set()
    for place, messages, fields in counted:
        logged = [re.findall(rf'"{message}",\s*extra=\{{([^}}]*)\}}', source) for message in messages]
        if all(logged):  # the messages are written out where they are logged
            checked.add(place)
            for field in set(fields) - {"message"}:
                assert f'"{field}":' in str(logged), (place, field)
    assert {"sign-in", "transcription"} <= checked


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
            members = shape.members.items() if shape else ()
            known = {xform_name(name, "-") for name, _ in members}
            known |= {f"no-{xform_name(name, '-')}" for name, member in members if member.type_name == "boolean"}
        assert set(options) <= known | CLI_OPTIONS, (place, service, operation, set(options) - known)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_can_be_pasted_into_any_shell(path):
    """zsh takes a comment at its prompt for arguments, or for a command, and `<` for the name of a file."""
    for block in command_blocks(path.read_text(encoding="utf-8")):
        lexer = shlex.shlex(block, posix=True, punctuation_chars="<>|&;")
        lexer.whitespace_split, lexer.commenters = True, ""
        words = list(lexer)
        assert not [word for word in words if word.startswith("#")], block
        assert not [word for word in words if "<" in word and word != "<"], block


def test_lists_of_versions_leave_out_the_one_that_never_serves():
    """`$LATEST` is the newest code, and an alias that points to it follows every upload."""
    texts = {
        **PAGES,
        ROLLBACK.name: ROLLBACK.read_text(encoding="utf-8"),
        GO_LIVE.name: GO_LIVE.read_text(encoding="utf-8"),
        SHELL.name: SHELL.read_text(encoding="utf-8"),
    }
    lists = [block for text in texts.values() for block in re.findall(r"list-versions-by-function.*\n.*", text)]
    assert lists
    assert all("Version!=`$LATEST`" in each for each in lists), lists


def test_helpers_that_pages_call_exist():
    helpers = set(re.findall(r"^([a-z]\w*)\(\) [{(]$", SHELL.read_text(encoding="utf-8"), flags=re.MULTILINE))
    programs = {"aws", "make", "curl", "git", "for", "do", "done", "echo", "sort", "while", "export"}
    for place, text in {**PAGES, ROLLBACK.name: ROLLBACK.read_text(encoding="utf-8")}.items():
        for block in command_blocks(text):
            first = re.findall(r"^ *([a-z]\w*)(?= |$)", re.sub(r"'[^']*'|\\\n", "", block), flags=re.MULTILINE)
            assert set(first) <= helpers | programs, (place, set(first) - helpers - programs)


def test_make_targets_that_pages_name_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = {name for text in PAGES.values() for name in re.findall(r"\bmake ([a-z-]+)", blocks(text))}
    assert named
    assert named <= targets


@pytest.mark.parametrize(("target", "variable"), [("redrive", "QUEUE"), ("smoke", "URL")])
def test_a_make_target_without_its_argument_names_it(target, variable):
    environment = {name: value for name, value in os.environ.items() if name != variable}
    done = subprocess.run(
        ["make", "--dry-run", target],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert f"{variable} is missing: make {target} {variable}=" in done.stderr


def test_pages_and_files_that_pages_link_to_exist():
    for page, text in PAGES.items():
        for link in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (ROOT / FOLDER / link).is_file(), (page, link)
        for path in re.findall(r"`((?:docs|cdk_app)/[\w/.-]+)`", text):
            assert (ROOT / path).is_file(), (page, path)


def test_pages_are_not_too_long_to_read_at_night():
    assert all(len(text.splitlines()) <= 80 for text in PAGES.values() if text != PAGES[OVERVIEW])
