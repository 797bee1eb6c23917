"""What is read out of the logs of the engines, and what the person at the terminal is told."""

import re
import shutil
import time
from types import SimpleNamespace

import pytest

from cdk_app.local import trouble
from cdk_app.local.trouble import LogWatch, lack_of_space

FULL = "com.almworks.sqlite4java.SQLiteException: [13] DB[1] exec() database or disk is full\n"


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "engine.log"
    path.write_text("INFO: started\n")
    return LogWatch("The engine", path)


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        (FULL, "Free some space, then `make run`"),
        (
            "WARNING: x\ncom.almworks.sqlite4java.SQLiteException: [10] DB[1] step() disk I/O error\n",
            "full, broken or read-only",
        ),
        ("SQLiteException: [778] DB[1] exec() disk I/O error\n", "full, broken or read-only"),  # IOERR_WRITE
        ("SQLiteException: [8] attempt to write a readonly database\n", "who owns the file"),
        ("SQLiteException: [14] unable to open database file\n", "who owns the file"),
        ("SQLiteException: [11] DB[1] [database disk image is malformed]\n", "`make reset`"),
        ("SQLiteException: [26] file is not a database\n", "`make reset`"),
        ("Exception in thread java.lang.OutOfMemoryError: Java heap space\n", "too little memory"),
        ("OSError: [Errno 28] No space left on device: '/x'\n", "Free some space"),
        ("OSError: [Errno 122] Disk quota exceeded\n", "Free some space"),
    ],
)
def test_what_callers_are_not_told_is_told_with_what_to_do(log, line, advice):
    assert log.trouble() is None
    with log.path.open("a") as file:
        file.write(line)
    told = log.trouble()
    assert told is not None
    assert "The engine: " in told
    assert advice in told
    assert str(log.path) in told


@pytest.mark.parametrize(
    "line", ["SQLiteException: [1] no such table\n", "SQLiteException: [2067] UNIQUE constraint failed\n"]
)
def test_what_an_engine_deals_with_itself_is_no_trouble(log, line):
    log.path.write_text(line)
    assert log.trouble() is None


def test_the_first_of_several_lines_counts_also_if_it_comes_in_halves(log):
    with log.path.open("a") as file:
        for part in (FULL[:40], FULL[40:], FULL.replace("13", "10")):
            file.write(part)
            file.flush()
            told = log.trouble()
    assert told is not None
    assert "[13]" in told


def test_answers_count_for_nothing_from_shortly_before_the_last_look_that_found_nothing(log, monkeypatch):
    monkeypatch.setattr(time, "localtime", time.gmtime)
    for now in (5.0, 65.0, 70.0, 75.0):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        told = log.trouble()
        if now == 65:
            log.path.write_text(FULL)
    assert told is not None
    assert re.findall(r"since (\S+) may be missing", told) == ["00:01:04"]


def test_a_disk_that_is_about_to_be_full_is_noticed_before_it_is(tmp_path, monkeypatch):
    free = {tmp_path: 10**9, tmp_path / "tables": 63 * 10**6}
    (tmp_path / "tables").mkdir()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free[path]))
    told = lack_of_space(tmp_path, tmp_path / "tables" / "new")
    assert told is not None
    assert told.startswith(f"Only 63 MB are free for {tmp_path / 'tables' / 'new'}. All that was acknowledged is there")
    free[tmp_path / "tables"] = trouble.RESERVE_MEGABYTES * 10**6
    assert lack_of_space(tmp_path, tmp_path / "tables" / "new") is None
