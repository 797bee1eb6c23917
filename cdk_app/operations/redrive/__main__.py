"""`python -m cdk_app.operations.redrive QUEUE`: what was given up and why. `--send` puts it back, `--drop` deletes it.

QUEUE is the name of the queue that the worker is fed from, `<Service>-<Queue>-<environment>`. `--function NAME` in its
place asks for what a function that reads a table's stream gave up, which is put back by handing it to that function.
Credentials and region come from the environment, as for the AWS CLI; a queue whose name ends in `-local`, and a
function whose name begins with `local-`, are looked for in the local cloud.
Exit code 1 when something could not be done; what is not moved stays where it is. What is deleted is written to a file
before.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Final

import boto3
import typer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table

from cdk_app.environments import LOCAL
from cdk_app.local.layout import LOCAL_DIRECTORY, Layout
from cdk_app.local.ministack import local_session
from cdk_app.operations.redrive.keeper import Keeper
from cdk_app.operations.redrive.mover import (
    Bounds,
    DeadLetter,
    DeadLetterQueue,
    DeadLetters,
    Moved,
    NotARedriveQueue,
)
from cdk_app.operations.redrive.records import DeadRecords

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

CONFIG: Final = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "max_attempts": 4})
# A function may work for 15 minutes, and a call that is given up is not tried again: the record may be handled by then.
CALLS: Final = Config(connect_timeout=5, read_timeout=900, retries={"total_max_attempts": 1})
SHOWN: Final = 20
BODY_CHARACTERS: Final = 200
DROPPED_FOLDER: Final = LOCAL_DIRECTORY / "dropped"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
terminal = Console(highlight=False, markup=False, soft_wrap=True)


@app.command(help=__doc__)
def redrive(  # noqa: PLR0913 -- each is an option of the command
    queue: Annotated[str, typer.Argument(help="Name of the queue that the worker is fed from")] = "",
    *,
    function: Annotated[str, typer.Option(help="Name of the function that reads a stream, instead of a queue")] = "",
    send: Annotated[bool, typer.Option("--send", help="Put messages back; without it, only show them")] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Delete messages, after writing them to a file")] = False,
    reason: Annotated[str, typer.Option(help="Only messages whose reason contains this text, in any case")] = "",
    at_most: Annotated[int, typer.Option(min=1, max=100_000, help="End after so many messages")] = 1000,
    seconds: Annotated[int, typer.Option(min=1, max=3600, help="End after so many seconds")] = 60,
    port_offset: Annotated[int, typer.Option(min=0, max=50_000, help="Of the local cloud")] = 0,
) -> None:
    """Show, move or delete; see the module."""
    if bool(queue) == bool(function):
        raise typer.BadParameter("name a queue, or a function that reads a stream")
    if send and drop:
        raise typer.BadParameter("a message is put back or dropped, not both")
    if drop and not reason:
        raise typer.BadParameter("say which messages to drop: --reason (make redrive ... REASON='not JSON')")
    try:
        dead_letters = _dead_letters(queue, function, port_offset)
        with ExitStack() as stack:
            act = None
            if send:
                act = dead_letters.move
            elif drop:
                act = stack.enter_context(Keeper(dead_letters, DROPPED_FOLDER)).drop
            found = _work(dead_letters, Bounds(messages=at_most, seconds=seconds), reason=reason, act=act)
    except (NotARedriveQueue, BotoCoreError, ClientError, OSError) as error:
        terminal.print(f"{queue or function}: {error}", style="red")
        raise typer.Exit(1) from error
    _report(dead_letters, found)
    _conclude(found, send=send, drop=drop)
    raise typer.Exit(1 if found.failures else 0)


def _dead_letters(queue: str, function: str, port_offset: int) -> DeadLetters:
    is_local = queue.endswith(f"-{LOCAL.name}") or function.startswith(f"{LOCAL.name}-")
    sqs, lambda_ = _clients(port_offset, is_local=is_local)
    return DeadLetterQueue(sqs, queue) if queue else DeadRecords(sqs, lambda_, function)


def _clients(port_offset: int, *, is_local: bool) -> "tuple[SQSClient, LambdaClient]":
    session = local_session() if is_local else boto3.Session()
    url = Layout(port_offset).emulator_url if is_local else None
    return session.client("sqs", endpoint_url=url, config=CONFIG), session.client(
        "lambda", endpoint_url=url, config=CALLS
    )


@dataclass(slots=True)
class _Found:
    """What was seen. asked: messages of the reason asked for. done: what became of those that were acted on."""

    asked: list[DeadLetter] = field(default_factory=list)
    others: list[DeadLetter] = field(default_factory=list)
    done: list[Moved] = field(default_factory=list)

    @property
    def failures(self) -> Sequence[Moved]:
        return [each for each in self.done if each.failure]

    @property
    def staying(self) -> Sequence[DeadLetter]:
        gone = {each.letter.message_id for each in self.done if not each.failure}
        return [letter for letter in (*self.others, *self.asked) if letter.message_id not in gone]


def _work(
    dead_letters: DeadLetters, bounds: Bounds, *, reason: str, act: Callable[[DeadLetter], Moved] | None
) -> _Found:
    """Act on what is asked for, or only read it, and leave the rest as it was."""
    found = _Found()
    try:
        for letter in dead_letters.letters(bounds):
            if reason.casefold() not in letter.reason.casefold():
                found.others.append(letter)
                continue
            found.asked.append(letter)
            if act is not None:
                found.done.append(act(letter))
    finally:
        for letter in found.staying:
            dead_letters.show_again(letter)
    return found


def _report(dead_letters: DeadLetters, found: _Found) -> None:
    seen = len(found.asked) + len(found.others)
    reasons = Table("messages", "reason", title=f"{dead_letters.name}: {len(found.asked)} of {seen} given up")
    for reason, count in Counter(letter.reason for letter in found.asked).most_common():
        reasons.add_row(str(count), reason)
    terminal.print(reasons)
    for letter in found.asked[:SHOWN]:
        terminal.print(f"{letter.correlation_id}  {letter.reason}  {letter.body[:BODY_CHARACTERS]}")
    if len(found.asked) > SHOWN:
        terminal.print(f"and {len(found.asked) - SHOWN} more")
    for each in found.failures:
        terminal.print(f"{each.letter.message_id}: {each.failure}", style="red")


def _conclude(found: _Found, *, send: bool, drop: bool) -> None:
    gone = len(found.done) - len(found.failures)
    if send:
        terminal.print(f"{gone} put back, {len(found.failures)} failed")
    elif drop:
        kept = f", kept in {DROPPED_FOLDER}" if found.done else ""
        terminal.print(f"{gone} dropped, {len(found.failures)} failed{kept}")
    else:
        terminal.print("Nothing was moved. SEND=1 puts these back; DROP=1 REASON='...' deletes those of one reason.")


if __name__ == "__main__":
    app()
