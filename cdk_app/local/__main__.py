"""`python -m cdk_app.local run` and `reset`: the local cloud in the foreground, and forgetting what it kept."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, BinaryIO

import httpx
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Column, Table

from cdk_app.local.interrupts import Interrupted, Interrupts
from cdk_app.local.layout import ROOT, Layout, LocalCloudError, shield_from_real_aws
from cdk_app.local.leftovers import ENDING, GRACE_SECONDS, KILL_SECONDS, end_leftovers, minded
from cdk_app.local.outside_services import outside_services
from cdk_app.local.running import LocalCloud
from cdk_app.local.supervisor import Supervisor

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
terminal = Console(highlight=False, markup=False)

PortOffset = Annotated[int, typer.Option(min=0, max=50000, help="Added to every port; the data is apart, too.")]


@app.command()
def run(
    port_offset: PortOffset = 0,
    *,
    samples: Annotated[bool, typer.Option(help="Begin with sample data, not with empty tables.")] = True,
) -> None:
    """Start the local cloud and keep it up until Ctrl-C."""
    started = time.monotonic()
    interrupts = Interrupts()
    interrupts.install()
    shield_from_real_aws(os.environ)
    layout = Layout(port_offset)
    with _told_and_ended(), suppress(Interrupted), _only_one(layout) as lock, minded(layout.state_directory, lock):
        supervisor = Supervisor(layout, outside_services(ROOT / ".env"), announce=_announce, interrupts=interrupts)
        supervisor.refuse_taken_ports()
        try:
            cloud = supervisor.open(samples=samples)
            terminal.print(_addresses(cloud))
            terminal.print(f"ready in {time.monotonic() - started:.0f} s; Ctrl-C stops it", style="bold green")
            supervisor.watch()
        except (LocalCloudError, BotoCoreError, ClientError, httpx.HTTPError, OSError) as error:
            told = str(error) if isinstance(error, LocalCloudError) else _unforeseen(error, layout)
            reason = supervisor.trouble() or told
            raise LocalCloudError(
                f"The local cloud stopped. {reason}{'' if told in reason else f'\n{told}'}"
            ) from error
        finally:
            interrupts.ignore()
            _announce("Stopping")
            supervisor.close()


@app.command()
def reset(port_offset: PortOffset = 0) -> None:
    """Forget all local data: tables, queues, secrets, deployed stacks and logs."""
    layout = Layout(port_offset)
    with _told_and_ended(), _only_one(layout):
        shutil.rmtree(layout.state_directory)
    terminal.print("Local data forgotten")


@contextmanager
def _told_and_ended() -> Iterator[None]:
    """Tell the person at the terminal what went wrong, and end with 1."""
    try:
        yield
    except LocalCloudError as error:
        terminal.print(str(error), style="red", soft_wrap=True)
        raise typer.Exit(1) from error


@contextmanager
def _only_one(layout: Layout) -> Iterator[BinaryIO]:
    """Hold the lock of a state directory, in which nothing runs then. Raises LocalCloudError when another process does.

    What a runner left that was killed is ended first, or its end awaited.
    """
    layout.state_directory.mkdir(parents=True, exist_ok=True)
    path = layout.state_directory / "lock"
    deadline = time.monotonic() + GRACE_SECONDS + KILL_SECONDS
    with path.open("ab") as lock:
        while not _is_locked(lock):
            if path.read_bytes() != ENDING or time.monotonic() > deadline:
                raise LocalCloudError(
                    f"The local cloud is running already: its console is {layout.console_url}. "
                    "Ctrl-C in its terminal stops it"
                )
            time.sleep(0.1)
        lock.truncate(0)
        if left := end_leftovers(layout.state_directory):
            _announce(f"Ended what an earlier run had left: {', '.join(left)}")
        yield lock


def _is_locked(file: BinaryIO) -> bool:
    """Whether we have the lock of a file now."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unforeseen(error: Exception, layout: Layout) -> str:
    return (
        f"{type(error).__name__}: {error}\nIts logs are in {layout.log_directory}. If the next start says the same: "
        "`make reset` forgets all local data, and `make run` begins anew"
    )


def _announce(step: str) -> None:
    terminal.print(f"  {step}", soft_wrap=True)


def _addresses(cloud: LocalCloud) -> Table:
    table = Table("", Column("address", no_wrap=True), title="The local cloud")  # to be copied in one piece
    table.add_row("Console", cloud.console_url)
    for service in cloud.services:
        table.add_row(service.title, service.url)
        table.add_row(f"{service.title}, documentation", f"{service.url}/docs")
        if service.signs_in:
            table.add_row(f"{service.title}, sign in", f"{service.url}/auth/login")
        for account in service.accounts:
            table.add_row(f"{service.title}, first user", f"{account.username}, password {account.password}")
    table.add_row("AWS emulator", cloud.aws_endpoint)
    table.add_row("DynamoDB Local", cloud.dynamodb_endpoint)
    for stand_in in cloud.stand_ins:
        table.add_row(f"Stand-in of {stand_in.title}", stand_in.url)
    return table


if __name__ == "__main__":
    app()
