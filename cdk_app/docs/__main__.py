"""`python -m cdk_app.docs` writes every computed document; `--check` fails when one from declarations is old."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from aws_cdk import App

from cdk_app.docs.documents import ENVIRONMENT, ROOT, from_declarations, from_templates, outdated, write
from cdk_app.environments import environment_named
from cdk_app.stacks import add_stacks


def main() -> int:
    """Write or compare; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m cdk_app.docs", description="Documents that are computed.")
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a document is not current")
    if parser.parse_args().check:
        old = outdated(from_declarations())
        for path in old:
            sys.stderr.write(f"{path.relative_to(ROOT)} is not current: run `make docs`\n")
        return 1 if old else 0
    with tempfile.TemporaryDirectory() as folder:
        synthesise(Path(folder))
        write({**from_declarations(), **from_templates(Path(folder))})
    return 0


def synthesise(folder: Path) -> None:
    """Write the cloud assembly of the environment that is described. Nothing is bundled: no document shows code."""
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    app = App(outdir=str(folder), context={**context, "aws:cdk:bundling-stacks": []})
    add_stacks(app, environment_named(ENVIRONMENT))
    app.synth()


if __name__ == "__main__":
    sys.exit(main())
