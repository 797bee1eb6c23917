"""Documents that are computed: `TABLES.md` of every service. `--check` fails when one of them is not current."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from cdk_app.services import SERVICES
from lambda_src.dynamo.render import tables_markdown

ROOT = Path(__file__).parents[1]


def documents() -> Mapping[Path, str]:
    """Every generated document: where it is, and what it should say."""
    return {
        ROOT / "lambda_src" / "services" / service.package / "TABLES.md": tables_markdown(service.tables, service.title)
        for service in SERVICES
    }


def outdated() -> list[Path]:
    """Documents that do not say what they should."""
    return [path for path, text in documents().items() if not path.exists() or path.read_text(encoding="utf-8") != text]


def main() -> int:
    """Write the documents, or with `--check` compare them; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m cdk_app.docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a document is not current")
    if parser.parse_args().check:
        for path in outdated():
            sys.stderr.write(f"{path.relative_to(ROOT)} is not current: run `make docs`\n")
        return 1 if outdated() else 0
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
