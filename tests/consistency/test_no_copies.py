"""No service is a copy of another: what two of them need is in `dynamo`, `runtime`, the constructs or `tests/support`.

Held against each other is everything that carries a service's name in its path: its package, stacks, samples, smoke
check and tests. Lines are compared with their white space run together. Blank lines, comments and imports are left
out, so that a copy is found however it is commented and whatever it imports; docstrings and closing brackets are lines
like any other.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from cdk_app.local.layout import ROOT
from tests.support.services import service_names

RUN = 6  # lines; five in a row still happen by chance, in calls with many named arguments

type Lines = list[tuple[int, str]]  # each with its number in the file


def owned() -> dict[str, list[Path]]:
    """The files of every service."""
    files = [file for room in ("lambda_src", "cdk_app", "tests") for file in sorted((ROOT / room).rglob("*.py"))]
    return {
        service: [file for file in files if service in file.relative_to(ROOT).as_posix()] for service in service_names()
    }


def shared_runs(owners: Mapping[str, Iterable[Path]]) -> list[str]:
    """Every run of `RUN` lines that files of two owners have in common: its places, then the lines."""
    places = defaultdict(list)
    for owner, files in owners.items():
        for file in files:
            for number, run in runs_of(file.read_text(encoding="utf-8")):
                places[run].append((owner, f"{file}:{number}"))
    return [
        "\n    ".join([*(place for _, place in found), *run])
        for run, found in places.items()
        if len({owner for owner, _ in found}) > 1
    ]


def runs_of(source: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Every `RUN` lines in a row, with the number of the first."""
    lines = compared_lines(source)
    for start in range(len(lines) - RUN + 1):
        run = lines[start : start + RUN]
        yield run[0][0], tuple(text for _, text in run)


def compared_lines(source: str) -> Lines:
    imports = {
        number
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    lines = enumerate((" ".join(line.split()) for line in source.splitlines()), start=1)
    return [(number, text) for number, text in lines if text and text[0] != "#" and number not in imports]


def test_no_run_of_six_lines_is_shared_by_two_services():
    assert shared_runs(owned()) == []


def test_everything_that_belongs_to_a_service_is_looked_at():
    for service, files in owned().items():
        rooms = {file.relative_to(ROOT).as_posix().rpartition("/")[0] for file in files}
        package = f"lambda_src/services/{service}"
        assert {package, f"cdk_app/services/{service}", "tests/support"} <= rooms
        assert any(room.startswith(f"{package}/") for room in rooms), "its features"


# ---- that it can fail ----------------------------------------------------------------------------------------------

ORIGINAL = '''"""One."""

import json


def total(prices, rate):
    """What all of it costs."""
    before = sum(prices)
    tax = before * rate
    if tax < 0:
        raise ValueError(rate)
    return before + tax
'''
COPIED = ORIGINAL[ORIGINAL.index("def") :]


@pytest.fixture
def found(tmp_path):
    """`found(source)`: the runs that a module of another service shares with the original."""

    def find(source: str) -> list[str]:
        one, other = tmp_path / "one.py", tmp_path / "other.py"
        one.write_text(ORIGINAL, encoding="utf-8")
        other.write_text(source, encoding="utf-8")
        return shared_runs({"one": [one], "other": [other]})

    return find


@pytest.mark.parametrize(
    "copy",
    [
        COPIED,
        f"class Prices:\n    {COPIED.replace('\n', '\n    ')}",
        COPIED.replace("    tax", "\n    # the tax\n    tax").replace("    if", "    from math import pi\n\n    if"),
    ],
    ids=["as it is", "as a method", "with comments and imports between"],
)
def test_a_copy_is_found_and_both_places_are_named(found, tmp_path, copy):
    runs = found(copy)
    assert len(runs) == 2, "seven lines are two runs of six"
    assert runs[0].startswith(f"{tmp_path}/one.py:6\n    {tmp_path}/other.py:")
    assert "tax = before * rate" in runs[0]


def test_five_lines_are_none_and_neither_are_runs_within_one_service(found, tmp_path):
    assert found(COPIED.replace("ValueError(rate)", "ValueError(tax)")) == []
    one, again = (tmp_path / name for name in ("one.py", "again.py"))
    again.write_text(ORIGINAL, encoding="utf-8")
    assert shared_runs({"one": [one, again], "other": []}) == []
