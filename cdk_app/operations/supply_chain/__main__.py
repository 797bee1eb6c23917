"""`python -m cdk_app.operations.supply_chain audit`: known vulnerabilities of what is locked. `... sbom`: what that is.

The audit ends with 0 when nothing is known, 1 when something is, and 2 when it could not ask about everything.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from cdk_app.operations.supply_chain import node_packages, python_packages, sbom
from cdk_app.operations.supply_chain.answer import (
    COULD_NOT_LOOK,
    Answer,
    CouldNotLook,
    Silence,
    exit_code,
    unaccepted,
)
from cdk_app.operations.supply_chain.programs import ROOT

# Advisories we live with, by any of their ids, each with the reason beside it. Review them when a lock is renewed.
ACCEPTED: Final[frozenset[str]] = frozenset()

app = typer.Typer(add_completion=False, help=__doc__)


@app.command()
def audit() -> None:
    """Ask about every package of every lock."""
    questions: dict[str, Callable[[], Answer]] = {
        **{lock: lambda lock=lock: python_packages.audit(ROOT / lock) for lock in python_packages.LOCKS},  # type: ignore[misc]
        node_packages.LOCK: node_packages.audit,
    }
    results = [_ask(lock, question) for lock, question in questions.items()]
    for result in results:
        _show(result)
    raise typer.Exit(exit_code(results, ACCEPTED))


@app.command(name="sbom")
def write_sbom(folder: Annotated[Path, typer.Argument(help="where the bills go")] = Path("sbom")) -> None:
    """Write one CycloneDX bill of materials a lock."""
    try:
        for path, components in sbom.write(folder):
            typer.echo(f"{path}: {components} components")
    except CouldNotLook as failure:
        typer.echo(str(failure), err=True)
        raise typer.Exit(COULD_NOT_LOOK) from failure


def _ask(lock: str, question: Callable[[], Answer]) -> Answer | Silence:
    try:
        return question()
    except CouldNotLook as failure:
        return Silence(lock, str(failure))


def _show(result: Answer | Silence) -> None:
    if isinstance(result, Silence):
        typer.echo(f"{result.lock}: COULD NOT LOOK: {result.reason}")
        return
    advisories = unaccepted(result, ACCEPTED)
    typer.echo(f"{result.lock}: {result.packages} packages, {len(advisories)} known vulnerabilities")
    for advisory in advisories:
        typer.echo(f"  {advisory.package} {advisory.version}: {', '.join(advisory.ids)}")


if __name__ == "__main__":
    app()
