"""The README's commands for whoever does not begin with `make`, as they stand there, in a fresh copy.

They install 800 MB from the package index, so `make soak` runs them. What they do apart from installing is tested at
every run: the app with `requirements.txt` alone and `cdk list` by `tests/infra/test_synthesis.py`, the deployment by
`test_make_run.py`, and `pytest tests/infra` is part of all tests.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cdk_app.local.ministack import MiniStack
from tests.support.assembly import ROOT
from tests.support.ports import free_port

PLAIN = re.findall(r"(?s)```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"))[2]
# There is no account here to deploy `dev` to; nobody is there to be asked; a few tests of a thousand are enough.
HERE = {
    "cdk deploy --all -c environment=dev": "cdk deploy --all -c environment=local --require-approval never",
    "pytest tests/infra": "pytest tests/infra -k 'finds_anything or the_cli'",
}
LONGEST_SECONDS = 600


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What a clone has, and nothing that was made since."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    """An account that `cdk bootstrap` was run in."""
    folder = tmp_path_factory.mktemp("account")
    cloud = MiniStack.start(
        port=free_port(), state_directory=folder, log_path=folder / "ministack.log", function_environment={}
    )
    try:
        cloud.wait_until_ready()
        cloud.seed_bootstrap()
        yield cloud
    finally:
        cloud.stop()


@pytest.mark.soak
def test_the_plain_commands_of_the_readme_work_in_a_fresh_copy(checkout, account):
    subprocess.run([sys.executable, "-m", "venv", checkout / ".venv"], check=True, timeout=LONGEST_SECONDS)
    programs = [checkout / ".venv" / "bin", ROOT / "node_modules" / ".bin", Path(sys.executable).parent]
    environment = {
        **{name: os.environ[name] for name in ("HOME", "PIP_INDEX_URL", "PIP_CERT") if name in os.environ},
        "PATH": os.pathsep.join([*map(str, programs), os.environ["PATH"]]),
        "AWS_ENDPOINT_URL": account.url,
        "AWS_ENDPOINT_URL_S3": account.url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": "us-east-1",
    }
    commands = PLAIN.splitlines()
    assert HERE.keys() <= set(commands)
    for command in commands:
        done = subprocess.run(
            shlex.split(HERE.get(command, command)),
            cwd=checkout,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        assert "Traceback" not in done.stderr, command
