"""`python -m cdk_app.smoke URL`: whether a deployed API works, in one line per request. Exit code 1 if it does not."""

from collections.abc import Callable, Mapping
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from cdk_app.smoke import nbhd_city, stock_track_record
from cdk_app.smoke.steps import STEP_SECONDS, StepFailed, Steps

# One function per service, by the name its stacks begin with. It raises StepFailed and deletes what it made.
CHECKS: Final[Mapping[str, Callable[[Steps], None]]] = {
    "StockTrackRecord": stock_track_record.check,
    "NbhdCity": nbhd_city.check,
}
# The local house's output `ApiUrl` is in a domain that only its emulator knows.
EMULATOR_SUFFIX: Final = ".execute-api.localhost"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def smoke(
    url: Annotated[str, typer.Argument(help="Address of the API, as the stack's output `ApiUrl` gives it.")],
    service: Annotated[str, typer.Option(help=f"One of: {', '.join(CHECKS)}.")] = next(iter(CHECKS)),
    step_seconds: Annotated[float, typer.Option(min=0.1, help="How long one request may take.")] = STEP_SECONDS,
) -> None:
    """Check health, one read, and one write that is deleted again. Stops at the first failure and cleans up."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise typer.BadParameter(f"{url!r} is no http or https address")
    if (parts.hostname or "").endswith(EMULATOR_SUFFIX):
        raise typer.BadParameter(f"take the address that `make run` prints: {parts.hostname} does not resolve")
    if service not in CHECKS:
        raise typer.BadParameter(f"{service!r} is none of: {', '.join(CHECKS)}")
    typer.echo(f"{service} at {url}")
    try:
        with Steps(url.rstrip("/"), say=typer.echo, step_seconds=step_seconds) as steps:
            CHECKS[service](steps)
    except StepFailed as failure:
        typer.echo(f"{service} does not work: step `{failure}` failed")
        raise typer.Exit(1) from failure
    typer.echo(f"{service} works")


if __name__ == "__main__":
    app()
