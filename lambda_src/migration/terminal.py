"""What an operator sees: results on one stream, progress and mishaps on the other, and no text as anything but text."""

import logging
from typing import Final

from rich.console import Console

output: Final = Console(highlight=False, markup=False, emoji=False)
terminal: Final = Console(highlight=False, markup=False, emoji=False, stderr=True)

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
