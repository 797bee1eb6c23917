"""Files that appear whole or not at all, and that only their owner may read."""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

from lambda_src.migration.errors import BadUsage

_PART: Final = ".part"
# What JSON allows in a text and a terminal acts on: control characters, ends of lines, changes of direction.
_UNSEEN: Final = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def private_folder(folder: Path) -> Path:
    """The folder, for its owner only where it has to be made. Raises BadUsage when it is a file, or lies in one."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except (FileExistsError, NotADirectoryError) as exc:
        raise BadUsage(f"{folder} is no folder: it is a file, or lies in one") from exc
    return folder


class Draft:
    """Files in the making. When the block ends well they get their names in the order they were begun, else they go.

    They hold personal data: only their owner may read them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = private_folder(folder)
        self._names: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        for name in self._names:
            part = self._folder / f"{name}{_PART}"
            if failure is None:
                part.replace(self._folder / name)
            else:
                part.unlink(missing_ok=True)

    def array(self, name: str, entries: Iterable[Mapping[str, Any]]) -> str:
        """A JSON array of objects, one a line; the SHA-256 of the file."""
        return self.text(name, _enclosed("[", map(_dense, entries), "]"))

    def object(self, name: str, members: Iterable[tuple[str, Any]]) -> None:
        """A JSON object, one member a line."""
        self.text(name, _enclosed("{", (f"{_dense(key)}: {_dense(value)}" for key, value in members), "}"))

    def lines(self, name: str, entries: Iterable[Mapping[str, Any]]) -> None:
        """One JSON object a line."""
        self.text(name, (f"{_dense(entry)}\n" for entry in entries))

    def made(self, name: str, make: Callable[[Path], None]) -> None:
        """A file that is made by its path, at which there is an empty one."""
        self._names.append(name)
        path = self._folder / f"{name}{_PART}"
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        make(path)

    def text(self, name: str, pieces: Iterable[str]) -> str:
        """Any text; the SHA-256 of the file."""
        digest = hashlib.sha256()
        self._names.append(name)
        path = self._folder / f"{name}{_PART}"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for piece in pieces:
                content = piece.encode()
                digest.update(content)
                file.write(content)
            file.flush()
            os.fsync(file.fileno())  # a file that has its name is whole, also after a power cut
        return digest.hexdigest()


def _dense(value: Any) -> str:
    # A report may show what somebody else wrote into an item: sets, bytes, fractions. As text they tell enough.
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _enclosed(opening: str, entries: Iterable[str], closing: str) -> Iterator[str]:
    before = f"{opening}\n"
    for entry in entries:
        yield f"{before}{entry}"
        before = ",\n"
    yield f"\n{closing}\n" if before == ",\n" else f"{opening}{closing}\n"
