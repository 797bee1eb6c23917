"""What an operator sees: results on one stream, progress and mishaps on the other, and no text as anything but text."""

import logging
import sys
from typing import Final

from rich.console import Console

_UNFOLDED: Final = 10_000  # columns of a file or a pipe: it has no edge at which a key would have to break


def _console(*, stderr: bool) -> Console:
    is_terminal = (sys.stderr if stderr else sys.stdout).isatty()
    width = None if is_terminal else _UNFOLDED
    return Console(highlight=False, markup=False, emoji=False, stderr=stderr, width=width)


output: Final = _console(stderr=False)
terminal: Final = _console(stderr=True)

_OF_EVERY_RECORD: Final = frozenset(logging.makeLogRecord({}).__dict__)


def printable(text: str) -> str:
    """A text whose every character shows itself: no escape sequence reaches a terminal, no direction is reversed."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def complain(text: str) -> None:
    """Say what went wrong, line by line."""
    for line in text.splitlines():
        terminal.print(printable(line), style="red")


class Told(logging.Handler):
    """Shows warnings with everything they carry: why the source is read again, for example."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        fields = {name: value for name, value in record.__dict__.items() if name not in _OF_EVERY_RECORD}
        told = ", ".join(f"{name}: {value}" for name, value in fields.items())
        terminal.print(printable(f"{record.getMessage()} ({told})" if told else record.getMessage()), style="yellow")


def tell_warnings() -> None:
    """For as long as the process lives."""
    logging.basicConfig(level=logging.WARNING, handlers=[Told()])
