"""`python -m cdk_app.operations.smoke URL`: whether a deployed API works, a line per request. Exit code 1 if it fails.

The check of a service deletes what it made.
"""

from pkgutil import resolve_name
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from cdk_app.services.registry import SERVICES
from cdk_app.services.smoke_steps import STEP_SECONDS, StepFailed, Steps

CHECKS: Final = {service.name: service.smoke for service in SERVICES}
# The local cloud's output `ApiUrl` is in a domain that only its emulator knows.
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
            resolve_name(CHECKS[service])(steps)
    except StepFailed as failure:
        typer.echo(f"{service} does not work: step `{failure}` failed")
        raise typer.Exit(1) from failure
    typer.echo(f"{service} works")


if __name__ == "__main__":
    app()
