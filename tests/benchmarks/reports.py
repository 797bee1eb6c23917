"""What every benchmark writes down: where and with what it ran, and its figures as a table."""

import json
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from os import cpu_count
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "docs" / "benchmarks"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; every column but the first is aligned to the right, also when read as plain text."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    aligned = [
        "| " + " | ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
        for line in lines
    ]
    rule = "|" + "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])])
    return "\n".join(f"{line} |" for line in aligned[:1]) + f"\n{rule}|\n" + "\n".join(f"{x} |" for x in aligned[1:])


def circumstances(packages: Sequence[str]) -> str:
    """Date, commit, machine and versions, one line each."""
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return "\n".join(
        (
            f"- Date: {datetime.now(UTC):%Y-%m-%d}",
            f"- Commit: {_commit()}",
            f"- Machine: {_processor()}, {cpu_count()} cores, {platform.system()} {platform.machine()}",
            f"- Versions: Python {platform.python_version()}, {versions}",
        )
    )


def publish(name: str, text: str) -> Path:
    """Write one report, `docs/benchmarks/<name>.md`."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.md"
    path.write_text(text.rstrip() + "\n", encoding="utf-8")
    return path


def publish_data(name: str, figures: Mapping[str, Any]) -> Path:
    """Write the figures of a report for programs to read, `docs/benchmarks/<name>.json`."""
    path = FOLDER / f"{name}.json"
    stamped = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "commit": _commit(), **figures}
    path.write_text(json.dumps(stamped, indent=2) + "\n", encoding="utf-8")
    return path


def _commit() -> str:
    """The short hash of HEAD, marked when files differ from it."""
    head = _git("rev-parse", "--short", "HEAD")
    if not head:
        return "none yet"
    changed = _git("status", "--porcelain", "--", "lambda_src", "cdk_app")
    return f"{head} with changes" if changed else head


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )  # fmt: skip
    return done.stdout.strip() if done.returncode == 0 else ""


def _processor() -> str:
    """The processor's name as Linux knows it."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown processor")
