"""What the functions without an API import."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from lambda_src.services.algoitny import wiring

HEAVY = ("fastapi", "starlette", "jwt")


@pytest.mark.parametrize("function", ["worker", "archiver", "stats"])
def test_what_has_no_api_starts_without_the_libraries_of_one(function):
    source = Path(wiring.__file__).read_text().partition(f"\ndef {function}(")[2].partition("\ndef ")[0]
    imported = re.findall(r"^    from (\S+) import", source, re.MULTILINE)
    assert imported
    program = f"import sys, {', '.join(imported)}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("function", ["api", "worker", "archiver", "stats"])
def test_no_function_starts_without_the_name_of_the_table(function):
    done = subprocess.run(
        [sys.executable, "-c", f"import lambda_src.services.algoitny.{function}"],
        env={"PATH": "/usr/bin", "ENVIRONMENT": "dev", "AWS_DEFAULT_REGION": "us-east-1"},
        cwd=Path(wiring.__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    said = done.stderr.splitlines()[-1]
    assert "SettingsInvalid" in said
    assert "ALGOITNY_TABLE_NAME" in said
