"""Engines that tests need and this machine may not have."""

import os
import shutil
from pathlib import Path

import pytest

from tests.support.assembly import ROOT

NODE_PACKAGES = "run `make setup` or `npm ci`"
CDK = ROOT / "node_modules" / ".bin" / "cdk"
ENGINES = ("dynamodb-local", "sqlite")  # of tables
GRAPHVIZ = ROOT / "node_modules" / "@viz-js" / "viz"

on_both_engines = pytest.mark.parametrize("dynamodb_client", ENGINES, indirect=True)


def installed(program: str | Path, how: str) -> str:
    """Path of a program or file; without it the tests skip and say how to get it, in CI they fail."""
    found = shutil.which(program) or (str(program) if Path(program).exists() else None)
    if found is None:
        reason = f"{program} is missing: {how}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found
