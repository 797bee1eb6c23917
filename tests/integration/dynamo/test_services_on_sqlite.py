"""The tests of every service, once more with SQLite below the store: repositories, access patterns, deaths, races."""

import subprocess
import sys
from typing import Final

import pytest

from tests.support.assembly import ROOT
from tests.support.services import service_names

# What needs a second process at the same tables, or listens to boto3: SQLite in memory has neither.
ELSEWHERE: Final = ("test_migrated_*", "test_*kills.py", "test_snapshot_of_*", "test_*_entry_points.py")
LISTENS_TO_BOTO3: Final = "test_signing_in_costs_one_write_to_begin_and_three_more_to_complete"
LONGEST_SECONDS: Final = 1_800


@pytest.mark.soak
@pytest.mark.parametrize("service", service_names())
def test_a_service_does_on_sqlite_what_it_does_on_dynamodb(service, tmp_path):
    options = ["--engine=sqlite", "-q", "-n", "0", "-p", "no:cacheprovider", "-k", f"not {LISTENS_TO_BOTO3}"]
    where = [f"--basetemp={tmp_path / 'run'}", f"tests/integration/{service}"]
    ignored = [f"--ignore-glob=*/{pattern}" for pattern in ELSEWHERE]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *ignored, *where],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:]
