"""The report of a phase: the same words for the terminal and for a page."""

import logging
import os
import subprocess
import sys
from typing import Final

import pytest

from cdk_app.local.layout import ROOT
from lambda_src.migration.report import Report
from lambda_src.migration.terminal import Told, printable


def page_of(*cells: object) -> str:
    report = Report("copy")
    report.table("Rows", [f"column {number}" for number, _ in enumerate(cells)], [cells])
    return report.markdown().splitlines()[-1]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, é, 日本, 🦀", "plain, é, 日本, 🦀"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\r\tc\0", "a\\nb\\r\\tc\\x00"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\ud800", "\\ud800"),
        ("\x9b2J", "\\x9b2J"),
    ],
)
def test_every_character_shows_itself(text, shown):
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("a|b", "a\\|b"),
        ("<b>&lt;", "&lt;b>&amp;lt;"),
        ("![x](https://evil.example)", "!\\[x\\](https://evil.example)"),
        ("`code` *bold* \\|", "\\`code\\` \\*bold\\* \\\\\\|"),
        ("two\nlines", "two\\\\nlines"),
    ],
)
def test_a_cell_of_the_page_is_text_and_one_cell(text, cell):
    assert page_of(text) == f"| {cell} |"


def test_numbers_have_commas_and_truths_have_words():
    assert page_of(1234567, True, False) == "| 1,234,567 | yes | NO |"


def test_a_table_without_rows_is_left_out():
    report = Report("copy")
    report.table("Rows", ("Row",), [])
    assert report.sections == []


_REDIRECTED: Final = """
from lambda_src.migration.report import Report
from lambda_src.migration.terminal import output
report = Report("verify")
report.table("Items", ("Table", "Key", "Why"), [("main", "NBHD#" + "x" * 100, "y" * 100)])
report.show(output)
"""


def test_what_is_redirected_is_folded_nowhere():
    narrow = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run([sys.executable, "-c", _REDIRECTED], cwd=ROOT, env=narrow, capture_output=True, check=True)
    assert f"main   NBHD#{'x' * 100}  {'y' * 100}" in done.stdout.decode().splitlines()


def test_a_warning_is_told_with_what_it_carries(capsys):
    logger = logging.getLogger("a test of reports")
    told = Told()
    logger.addHandler(told)
    logger.warning("reading again", extra={"try": 1, "reason": "\x1b[2Jgone"})
    logger.removeHandler(told)
    assert capsys.readouterr().err.strip() == "reading again (try: 1, reason: \\x1b[2Jgone)"
