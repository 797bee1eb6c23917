"""What the auditors print, and what it means. The reports are as pip-audit 2.10.1 and npm 11.19.1 print them."""

import json
from collections.abc import Mapping

import pytest

from cdk_app.operations.supply_chain import node_packages, python_packages
from cdk_app.operations.supply_chain.answer import Advisory, Answer, CouldNotLook, Silence, exit_code
from cdk_app.operations.supply_chain.programs import ROOT

PYCRYPTO = {
    "name": "pycrypto",
    "version": "2.6.1",
    "vulns": [{"id": "CVE-2013-7459", "fix_versions": [], "aliases": ["PYSEC-2017-94"], "description": "overflow"}],
}
SIX = {"name": "six", "version": "1.17.0", "vulns": []}
JINJA = {
    "name": "jinja2",
    "version": "2.11.2",
    "vulns": [
        {"id": "CVE-2020-28493", "fix_versions": ["2.11.3"], "aliases": ["PYSEC-2021-66"], "description": "slow"}
    ],
}
GROWL = {
    "name": "growl",
    "severity": "critical",
    "isDirect": True,
    "via": [{"source": 1, "name": "growl", "title": "injection", "url": "https://github.com/advisories/GHSA-qh2h"}],
    "effects": [],
    "range": "<1.10.2",
    "nodes": ["node_modules/growl"],
    "fixAvailable": False,
}
QS = {
    **GROWL,
    "name": "qs",
    "via": [{"source": 2, "name": "qs", "title": "slow", "url": "https://github.com/advisories/GHSA-hrpp"}],
    "nodes": ["node_modules/qs", "node_modules/express/node_modules/qs"],
}
EXPRESS = {**GROWL, "name": "express", "via": ["qs"], "nodes": ["node_modules/express"]}
NODE_PACKAGES = {
    "node_modules/qs": "6.5.0",
    "node_modules/express": "4.0.0",
    "node_modules/express/node_modules/qs": "6.4.0",
}


def pip_audit(*dependencies: Mapping[str, object]) -> str:
    return json.dumps({"dependencies": dependencies, "fixes": []})


def npm_audit(*vulnerabilities: Mapping[str, object], total: int) -> str:
    return json.dumps(
        {
            "auditReportVersion": 2,
            "vulnerabilities": {entry["name"]: entry for entry in vulnerabilities},
            "metadata": {"vulnerabilities": {}, "dependencies": {"prod": 1, "dev": total - 1, "total": total}},
        }
    )


def test_a_lock_is_clean_when_every_package_was_answered_for_and_only_the_control_is_vulnerable():
    assert python_packages.read("lock", pip_audit(SIX, PYCRYPTO), {"six": "1.17.0"}) == Answer("lock", 1, ())


def test_a_vulnerable_python_package_is_named_with_all_its_ids():
    answer = python_packages.read("lock", pip_audit(JINJA, SIX, PYCRYPTO), {"six": "1.17.0", "jinja2": "2.11.2"})
    assert answer.advisories == (Advisory("jinja2", "2.11.2", ("CVE-2020-28493", "PYSEC-2021-66")),)


def test_a_skipped_package_is_no_answer():
    """What pip-audit printed, with exit code 0 and "No known vulnerabilities found", where PyPI was out of reach."""
    reason = "Dependency not found on PyPI and could not be audited: six (1.17.0)"
    printed = pip_audit({"name": "six", "skip_reason": reason}, PYCRYPTO)
    with pytest.raises(CouldNotLook, match="no answer about 1 of 2 packages: six"):
        python_packages.read("lock", printed, {"six": "1.17.0"})


def test_a_report_without_a_locked_package_is_no_answer():
    with pytest.raises(CouldNotLook, match="no answer about 1 of 3 packages: jinja2"):
        python_packages.read("lock", pip_audit(SIX, PYCRYPTO), {"six": "1.17.0", "jinja2": "2.11.2"})


def test_a_service_that_finds_nothing_against_the_control_is_not_believed():
    printed = pip_audit(SIX, {**PYCRYPTO, "vulns": []})
    with pytest.raises(CouldNotLook, match="knows nothing against pycrypto"):
        python_packages.read("lock", printed, {"six": "1.17.0"})


def test_an_empty_lock_is_no_answer():
    with pytest.raises(CouldNotLook, match="names no package"):
        python_packages.read("lock", pip_audit(PYCRYPTO), {})


@pytest.mark.parametrize("printed", ["", "No known vulnerabilities found", "[]", "{}", "null", '{"dependencies": '])
def test_anything_but_a_report_of_pip_audit_is_no_answer(printed):
    with pytest.raises(CouldNotLook, match="no report"):
        python_packages.read("lock", printed, {"six": "1.17.0"})


def test_a_vulnerable_node_package_is_named_once_with_every_version_of_it_and_not_its_dependents():
    answer = node_packages.read(npm_audit(GROWL, QS, EXPRESS, total=4), NODE_PACKAGES)
    assert answer.packages == 3
    assert answer.advisories == (Advisory("qs", "6.4.0, 6.5.0", ("GHSA-hrpp",)),)


def test_npm_answers_for_every_package():
    with pytest.raises(CouldNotLook, match="no answer about 2 of 3 packages"):
        node_packages.read(npm_audit(GROWL, total=1), NODE_PACKAGES)


def test_a_registry_that_finds_nothing_against_the_control_is_not_believed():
    with pytest.raises(CouldNotLook, match="knows nothing against growl"):
        node_packages.read(npm_audit(total=4), NODE_PACKAGES)


def test_npms_own_words_are_shown_when_the_registry_cannot_be_asked():
    """What npm printed at a registry without advisories."""
    printed = json.dumps({"message": "405 Method Not Allowed - POST", "error": {"summary": "", "detail": ""}})
    with pytest.raises(CouldNotLook, match="405 Method Not Allowed"):
        node_packages.read(printed, NODE_PACKAGES)


@pytest.mark.parametrize("printed", ["", "[]", "null", "found 0 vulnerabilities", '{"metadata": {}}'])
def test_anything_but_a_report_of_npm_is_no_answer(printed):
    with pytest.raises(CouldNotLook, match="no report"):
        node_packages.read(printed, NODE_PACKAGES)


CLEAN = Answer("a", 1, ())
BAD = Answer("b", 1, (Advisory("qs", "1", ("CVE-1", "GHSA-1")),))
SILENT = Silence("c", "no network")


@pytest.mark.parametrize(
    ("results", "accepted", "code"),
    [
        ([CLEAN], [], 0),
        ([CLEAN, BAD], [], 1),
        ([CLEAN, BAD], ["GHSA-1"], 0),
        ([CLEAN, BAD], ["GHSA-2"], 1),
        ([CLEAN, SILENT], [], 2),
        ([BAD, SILENT], [], 2),
        ([], [], 2),
    ],
)
def test_the_exit_code_says_clean_vulnerable_or_could_not_look(results, accepted, code):
    assert exit_code(results, accepted) == code


def test_a_lock_is_read_with_its_markers_and_hashes(tmp_path):
    lock = tmp_path / "requirements.txt"
    lines = [
        "# a comment",
        "typing_extensions==4.1 \\",
        "    --hash=sha256:aa",
        "colorama==0.4 ; sys_platform == 'win32' \\",
        "    --hash=sha256:bb",
    ]
    lock.write_text("\n".join(lines))
    assert python_packages.packages_of(lock) == {"typing-extensions": "4.1", "colorama": "0.4"}


def test_no_lock_names_a_control():
    for lock in python_packages.LOCKS:
        assert python_packages.CONTROL not in python_packages.packages_of(ROOT / lock)
    paths = node_packages.packages_of(ROOT / node_packages.LOCK)
    assert f"node_modules/{node_packages.CONTROL}" not in paths


def test_every_lock_of_the_repository_is_audited():
    ours = (path for pattern in ("*.txt", "*/*.txt", "*/*/*.txt", "*/*/*/*.txt") for path in ROOT.glob(pattern))
    locks = {
        str(path.relative_to(ROOT))
        for path in ours
        if path.name.startswith("requirements")
        and not {".venv", ".local", ".wheelhouse", "node_modules"} & set(path.parts)
    }
    assert locks == set(python_packages.LOCKS)
