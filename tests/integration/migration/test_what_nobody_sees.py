"""What a migration says and keeps holds no password, is for its owner alone, and no hostile text gets out of it."""

import os
import stat
import subprocess
import sys
from fcntl import LOCK_EX, flock

from tests.support.assembly import ROOT
from tests.support.migration.nbhd_city_rows import membership
from tests.support.migration.servers import PASSWORD, PASSWORD_IN_URL


def test_a_password_is_in_no_output_no_report_and_no_process_list(operator):
    wrong = operator.url.replace(PASSWORD_IN_URL, "wr0ng")
    seen = [operator.does(phase) for phase in ("check", "plan", "copy", "verify", "cutover")]
    seen.append(operator.does("check", DATABASE_URL=wrong))
    assert seen[-1].code == 1
    for done in seen:
        for secret in (PASSWORD, PASSWORD_IN_URL, "wr0ng"):
            assert secret not in done.said + done.report
    for page in operator.folder.iterdir():
        if page.suffix in (".md", ".jsonl"):
            assert PASSWORD not in page.read_text(encoding="utf-8")


def test_the_process_list_shows_the_command_and_not_the_password(operator):
    variables = {name: text for name, text in (os.environ | operator.variables()).items() if text is not None}
    command = [sys.executable, "-m", "lambda_src.migration", *operator.command("plan")]
    with subprocess.Popen(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        seen = ""
        while process.poll() is None:
            seen += subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        assert process.stdout is not None
        assert b"Nothing was written." in process.stdout.read()
    assert process.returncode == 0
    assert "lambda_src.migration plan nbhd_city" in seen
    assert PASSWORD not in seen
    assert PASSWORD_IN_URL not in seen


def test_what_a_migration_keeps_is_for_its_owner_only(operator):
    operator.does("copy")
    operator.does("verify")
    assert stat.S_IMODE(operator.folder.stat().st_mode) == 0o700
    kept = {path.name: stat.S_IMODE(path.stat().st_mode) for path in operator.folder.iterdir()}
    assert {"snapshot.sqlite", "rejects.jsonl", "copy.md", "verify.md", "comparison.sqlite"} <= kept.keys()
    assert set(kept.values()) == {0o600}


def test_two_phases_do_not_share_a_folder(operator):
    operator.does("plan")
    with (operator.folder / ".lock").open() as lock:
        flock(lock, LOCK_EX)  # as the other one does
        refused = operator.does("check")
    assert (refused.code, "Another phase works in" in refused.said) == (3, True)
    assert operator.does("check").code == 0


HOSTILE = "<script>alert(1)</script>|![x](https://evil.example/x.png):bomb:[red]\u202e"


def test_a_hostile_text_reaches_neither_the_terminal_nor_the_page_raw(operator, database):
    database.insert("memberships", [membership(99, HOSTILE, 1), membership(100, "\x1b]0;owned\x07" + HOSTILE, 1)])
    database.run('ALTER TABLE neighborhoods ADD COLUMN "\x1b[31mred" TEXT')
    done = operator.does("check")
    assert done.code == 0
    for character in ("\x1b", "\x07", "\u202e"):
        assert character not in done.said + done.report
    assert "\\x1b[31mred" in done.said
    assert HOSTILE[:-1] in done.said, "as it is, without pictures and colours"
    assert "\x1b" not in (operator.folder / "rejects.jsonl").read_text(encoding="utf-8")
    assert "<script>" not in done.report
    [row] = [line for line in done.report.splitlines() if "evil.example" in line]
    assert "!\\[x\\](" in row, "no picture to load"
    assert row.replace("\\|", "").count("|") == 5, "four columns, and no more"
