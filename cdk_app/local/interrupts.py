"""Ctrl-C and its relatives as one exception: raised once, and never between starting a program and noting it down."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # the last one: the terminal was closed


class Interrupted(BaseException):
    """Someone asked for the end. Like KeyboardInterrupt it is no error."""


class Interrupts:
    """From `install` on, the first signal raises Interrupted in the main thread and further ones change nothing."""

    def __init__(self) -> None:
        self._depth = 0
        self._came = False
        self._raised = False

    def install(self) -> None:
        for number in SIGNALS:
            signal.signal(number, self._on_signal)

    @contextmanager
    def held(self) -> Iterator[None]:
        """What is inside is done whole: a signal that comes meanwhile is raised at the end."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
        self._raise_when_due()

    def ignore(self) -> None:
        """From here on the end is under way, and asking for it again changes nothing."""
        self._raised = True

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._came = True
        self._raise_when_due()

    def _raise_when_due(self) -> None:
        if self._came and not self._raised and self._depth == 0:
            self._raised = True
            raise Interrupted
