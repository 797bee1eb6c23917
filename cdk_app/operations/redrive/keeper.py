"""Deleting dead letters, each of them only after it has been written to a file."""

import json
import os
from base64 import b64encode
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TextIO

from cdk_app.operations.redrive.mover import DeadLetter, DeadLetters, Moved


class Keeper:
    """Drops letters of one queue. They are kept in a file of their own in `folder`, a JSON object to a line.

    The file is made with the first letter, for the eyes of its owner only. Raises OSError; then nothing is deleted.
    """

    def __init__(self, dead_letters: DeadLetters, folder: Path) -> None:
        self._dead_letters = dead_letters
        self._folder = folder
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def drop(self, letter: DeadLetter) -> Moved:
        """Write it down, so that it outlives even a loss of power, and then delete it."""
        self._file = self._file or self._opened()
        self._file.write(f"{_line(letter)}\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._dead_letters.drop(letter)

    def _opened(self) -> TextIO:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{self._dead_letters.name}-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}.jsonl"
        return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8")


def _line(letter: DeadLetter) -> str:
    members: dict[str, Any] = asdict(letter)
    del members["receipt_handle"]  # of no use to anybody in a moment
    return json.dumps(members, default=_text)


def _text(value: bytes) -> str:
    return b64encode(value).decode("ascii")
