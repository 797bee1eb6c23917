"""Notices what goes wrong below the local cloud, and says what to do: engines tell it to their logs alone.

DynamoDB Local acknowledges a transaction before it is on the disk: while a full disk fills its log with exceptions,
callers are told that all is well. So somebody reads the logs, and looks after the space before it is used up.
"""

import re
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

RESERVE_MEGABYTES: Final = 64  # the end of the emulator writes 25, and the engine has room until we look again
LOG_DELAY_SECONDS: Final = 1.0  # from an exception to its line

_NO_SPACE: Final = "Free some space, then `make run`"
_NO_DISK: Final = "See whether the disk is full, broken or read-only, and who owns the file, then `make run`"
_DAMAGED: Final = (
    "Its file is damaged. Put a copy of it in place if you have one; `make reset` forgets all local data, and "
    "`make run` begins anew"
)
_NO_MEMORY: Final = "It has too little memory for what it was asked; `make run` starts it again"
# SQLite's numbers, of which the lower byte counts: full; read-only, I/O error, cannot open; corrupt, not a database.
# https://www.sqlite.org/rescode.html
SQLITE: Final = {13: _NO_SPACE, 8: _NO_DISK, 10: _NO_DISK, 14: _NO_DISK, 11: _DAMAGED, 26: _DAMAGED}
TROUBLE: Final = re.compile(
    rb"SQLiteException: \[(?P<sqlite>\d+)\].*"
    rb"|java\.lang\.OutOfMemoryError.*"
    rb"|\[Errno (?P<errno>28|122)\].*"  # ENOSPC, EDQUOT, as Python writes them
)


@dataclass(slots=True)
class LogWatch:
    """The log of one program, from its start on. name: of the program, for the person at the terminal."""

    name: str
    path: Path
    _position: int = 0
    _looked_at: float = field(default_factory=time.time)
    _told: str | None = None

    def trouble(self) -> str | None:
        """What it met first, since when answers count for nothing, and what to do. None: all is well."""
        well_until = self._looked_at
        self._looked_at = time.time()
        if self._told is None:
            with self.path.open("rb") as log:
                log.seek(self._position)
                text = log.read()
            found = ((match, _advice(match)) for match in TROUBLE.finditer(text))
            match, advice = next((each for each in found if each[1]), (None, ""))
            if match:
                self._told = self._tell(match.group().decode(errors="replace").strip(), advice, well_until)
            self._position += text.rfind(b"\n") + 1  # the last line may be half there
        return self._told

    def _tell(self, line: str, advice: str, well_until: float) -> str:
        since = time.strftime("%H:%M:%S", time.localtime(well_until - LOG_DELAY_SECONDS))
        lost = f"What it acknowledged since {since} may be missing; what it did before is there. "
        return f"{self.name}: {line}\n{'' if advice == _DAMAGED else lost}{advice}. Log: {self.path}"


def lack_of_space(*directories: Path) -> str | None:
    """Which of these folders is about to be full, and what to do. None: there is room. Folders need not exist yet."""
    for directory in directories:
        there = next(folder for folder in (directory, *directory.parents) if folder.exists())
        megabytes = shutil.disk_usage(there).free // 1_000_000
        if megabytes < RESERVE_MEGABYTES:
            return (
                f"Only {megabytes} MB are free for {directory}. All that was acknowledged is there; before a full disk "
                f"changes that, have {RESERVE_MEGABYTES} MB free, then `make run`"
            )
    return None


def _advice(match: re.Match[bytes]) -> str:
    """What to do about a line; empty where the engine deals with it itself."""
    if match["sqlite"]:
        return SQLITE.get(int(match["sqlite"]) & 0xFF, "")
    return _NO_SPACE if match["errno"] else _NO_MEMORY
