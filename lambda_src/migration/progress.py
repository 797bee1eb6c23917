"""Bars on the terminal: how far, how fast, how long still, and what it uses of DynamoDB."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as Remaining
from rich.text import Text

from lambda_src.dynamo.meter import Usage
from lambda_src.migration.phases.job import Advance


class Bars:
    """A bar per step. usage: requests and units so far."""

    def __init__(self, console: Console, usage: Callable[[], Usage]) -> None:
        self._console = console
        self._usage = usage

    @contextmanager
    def step(self, title: str, total: int | None = None) -> Iterator[Advance]:
        """One bar, with a rate, the time that is left where the total is known, and the units used in this step."""
        before = self._usage()
        columns = (
            TextColumn("{task.description:<32}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(show_speed=False),
            TextColumn("{task.completed:>11,.0f}"),
            _Rate(),
            TextColumn("{task.fields[units]}", style="dim"),
            TimeElapsedColumn(),
            Remaining(),
        )
        with Progress(*columns, console=self._console, refresh_per_second=4) as progress:
            task = progress.add_task(title, total=total, units="")

            def advance(count: int) -> None:
                progress.update(task, advance=count, units=_units(self._usage() - before))

            yield advance
            done = progress.tasks[task].completed
            progress.update(task, total=done, completed=done, units=_units(self._usage() - before))


class _Rate(TextColumn):
    """Things per second."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:>8,.0f}/s" if speed else "", style="dim")


def _units(used: Usage) -> str:
    parts = (f"{used.read_units:,.0f} RU" if used.read_units else "", f"{used.write_units:,.0f} WU")
    return " ".join(part for part in parts if part) if used.requests else ""
