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
