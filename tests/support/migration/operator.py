"""An operator at a terminal: the command as it is called, its exit code, and everything it said and wrote."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from typer.testing import CliRunner

from lambda_src.migration.cli import app
from lambda_src.migration.terminal import output, terminal

_WIDE = 200  # columns, so that no table is folded in the middle of what a test looks for


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended. said: on both streams, as the terminal gets it. report: the page it wrote, if it did."""

    code: int
    said: str
    report: str = ""


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who migrates one database. tables: physical names by declared ones."""

    service: str
    url: str
    endpoint_url: str
    tables: Mapping[str, str]
    folder: Path
    environment: str = "local"

    def command(self, phase: str, *options: str) -> list[str]:
        """The arguments of the command."""
        named = [f"--table={name}={physical}" for name, physical in self.tables.items()]
        return [phase, self.service, f"--folder={self.folder}", *named, *options]

    def variables(self, **changes: str | None) -> dict[str, str | None]:
        """The environment of the command. None takes a variable away."""
        return {
            "DATABASE_URL": self.url,
            "DYNAMODB_ENDPOINT_URL": self.endpoint_url,
            "ENVIRONMENT": self.environment,
            **changes,
        }

    def does(self, phase: str, *options: str, **changes: str | None) -> Ended:
        """Run a phase in this process. changes: to the variables."""
        page = self.folder / (f"{phase}-open.md" if "--open" in options else f"{phase}.md")
        page.unlink(missing_ok=True)
        done = self.runs(*self.command(phase, *options), **changes)
        return replace(done, report=page.read_text(encoding="utf-8") if page.exists() else "")

    def runs(self, *arguments: str, **changes: str | None) -> Ended:
        """Run what is no phase, likewise."""
        output.width = terminal.width = _WIDE
        done = CliRunner().invoke(app, arguments, env=self.variables(**changes))
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Ended(done.exit_code, done.output)
