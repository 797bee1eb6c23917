"""Reading what synthesis wrote: templates as JSON, without starting the CDK again."""

import fcntl
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_SECONDS = 180
ASSET_HASH = re.compile(r"[0-9a-f]{64}")
VERSION_ID = re.compile(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}")

type Resource = dict[str, Any]


@dataclass(frozen=True)
class Template:
    """One synthesised stack."""

    name: str
    path: Path

    @cached_property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        return body

    def of_type(self, resource_type: str) -> dict[str, Resource]:
        """Resources of a type by logical id."""
        resources = self.body["Resources"].items()
        return {name: resource for name, resource in resources if resource["Type"] == resource_type}

    def properties(self, resource_type: str, starting: str = "") -> dict[str, Any]:
        """Properties of the one resource of a type whose logical id starts like this."""
        [found] = [r for name, r in self.of_type(resource_type).items() if name.startswith(starting)]
        properties: dict[str, Any] = found["Properties"]
        return properties


@dataclass(frozen=True)
class Assembly:
    """What `cdk synth` wrote for one environment."""

    environment: str
    folder: Path

    @cached_property
    def stacks(self) -> Mapping[str, dict[str, Any]]:
        """Manifest entry of each stack by its name without the environment."""
        manifest = json.loads((self.folder / "manifest.json").read_text())
        return {
            name.removeprefix(f"{self.environment}-"): part
            for name, part in manifest["artifacts"].items()
            if part["type"] == "aws:cloudformation:stack"
        }

    @property
    def stack_names(self) -> set[str]:
        """As CloudFormation knows them."""
        return {self.full_name(name) for name in self.stacks}

    def full_name(self, stack: str) -> str:
        """The CDK leaves out what is equal to the artifact's name."""
        return str(self.stacks[stack]["properties"].get("stackName", f"{self.environment}-{stack}"))

    @cached_property
    def templates(self) -> dict[str, Template]:
        files = {name: stack["properties"]["templateFile"] for name, stack in self.stacks.items()}
        return {name: Template(name, self.folder / file) for name, file in files.items()}


def scrubbed(template: str) -> str:
    """The text of a template without the hashes of its bundles, which change with every line of code."""
    return VERSION_ID.sub(r"\1-version", ASSET_HASH.sub("asset", template))


def synthesise(out: Path, *environments: str, root: Path = ROOT) -> None:
    """Write the assemblies of some environments of a checkout, `out/<environment>` each. About 7 s and 1 s each."""
    done = run_python("tests/infra/synthesise.py", str(out), *environments, root=root)
    assert done.returncode == 0, f"synthesis failed\n{done.stdout}\n{done.stderr}"


def synthesised_once(base: Path, *environments: str) -> Path:
    """The same for all workers of a test run, once. base: the folder of the run."""
    shared = base / "assemblies"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = shared / "done"
        if not done.exists():
            synthesise(shared, *environments)
            done.touch()
    return shared


def run_python(
    *arguments: str, root: Path = ROOT, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run Python in a checkout, with nothing of this shell's environment but where programs are."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # the virtual environment's Node
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env={"PATH": path, "HOME": os.environ.get("HOME", "/"), **(variables or {})},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
