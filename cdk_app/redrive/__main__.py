"""`python -m cdk_app.redrive QUEUE`: what was given up and why; with `--send`, put it back.

QUEUE is the name of the queue that the worker is fed from, for example `StockTrackRecord-Processing-dev`. Credentials
and region come from the environment, as for the AWS CLI; a name that ends in `-local` is looked for in the local house.
Exit code 1 when something could not be done; what is not moved stays where it is.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import boto3
import typer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table

from cdk_app.environments import LOCAL
from cdk_app.local.layout import Layout
from cdk_app.local.ministack import local_session
from cdk_app.redrive.mover import Bounds, DeadLetter, DeadLetterQueue, Moved, NotARedriveQueue

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

CONFIG: Final = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "max_attempts": 4})
SHOWN: Final = 20
BODY_CHARACTERS: Final = 200

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
terminal = Console(highlight=False, markup=False, soft_wrap=True)


@app.command(help=__doc__)
def redrive(
    queue: Annotated[str, typer.Argument(help="Name of the queue that the worker is fed from")],
    *,
    send: Annotated[bool, typer.Option("--send", help="Put messages back; without it, only show them")] = False,
    reason: Annotated[str, typer.Option(help="Only messages whose reason contains this text")] = "",
    at_most: Annotated[int, typer.Option(min=1, max=100_000, help="End after so many messages")] = 1000,
    seconds: Annotated[int, typer.Option(min=1, max=3600, help="End after so many seconds")] = 60,
    port_offset: Annotated[int, typer.Option(min=0, max=50_000, help="Of the local house")] = 0,
) -> None:
    """Show or move; see the module."""
    try:
        dead_letters = DeadLetterQueue(_client(queue, port_offset), queue)
        has_failed = _work(dead_letters, Bounds(messages=at_most, seconds=seconds), reason=reason, send=send)
    except (NotARedriveQueue, BotoCoreError, ClientError) as error:
        terminal.print(f"{queue}: {error}", style="red")
        raise typer.Exit(1) from error
    raise typer.Exit(1 if has_failed else 0)


def _client(queue: str, port_offset: int) -> "SQSClient":
    if queue.endswith(f"-{LOCAL.name}"):
        return local_session().client("sqs", endpoint_url=Layout(port_offset).emulator_url, config=CONFIG)
    return boto3.client("sqs", config=CONFIG)


def _work(dead_letters: DeadLetterQueue, bounds: Bounds, *, reason: str, send: bool) -> bool:
    """Show or move what is asked for and leave the rest as it was; whether something failed."""
    asked: list[DeadLetter] = []
    moved: list[Moved] = []
    staying: list[DeadLetter] = []
    try:
        for letter in dead_letters.letters(bounds):
            if reason not in letter.reason:
                staying.append(letter)
                continue
            asked.append(letter)
            result = dead_letters.move(letter) if send else None
            if result is not None:
                moved.append(result)
            if result is None or result.failure:
                staying.append(letter)
    finally:
        for letter in staying:
            dead_letters.show_again(letter)
    _report(dead_letters, asked, moved, send=send)
    return any(each.failure for each in moved)


def _report(dead_letters: DeadLetterQueue, asked: Sequence[DeadLetter], moved: Sequence[Moved], *, send: bool) -> None:
    reasons = Table("messages", "reason", title=f"{dead_letters.name}: {len(asked)} given up")
    for reason, count in Counter(letter.reason for letter in asked).most_common():
        reasons.add_row(str(count), reason)
    terminal.print(reasons)
    failures = {each.letter.message_id: each.failure for each in moved if each.failure}
    for letter in asked[:SHOWN]:
        terminal.print(f"{letter.correlation_id}  {letter.body[:BODY_CHARACTERS]}")
    for message_id, failure in failures.items():
        terminal.print(f"{message_id}: {failure}", style="red")
    if send:
        terminal.print(f"{len(moved) - len(failures)} put back, {len(failures)} failed")
    else:
        terminal.print("Nothing was moved. With --send (make redrive ... SEND=1) these are put back.")


if __name__ == "__main__":
    app()
