"""The emulator's state on disk as whole generations: what a start finds is of one moment, or is not used.

    state           as the emulator reads it: a file per service, and the code of functions
    state.before    the generation before
    state.damaged   what could not be used, for whoever wants to look into it

MiniStack writes file after file, at its polite end alone. Killed between two of them, or with files that a full disk or
a power cut halved, it comes up with stacks whose functions or secrets it has forgotten. So a generation is written
beside the current one, to the disk, and takes its place in one step; a manifest says what belongs to it.

Standard library only: half of it runs in the emulator.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

MANIFEST: Final = "manifest"  # names and digests of a generation's files
BLOBS: Final = "lambda-blobs"  # each named after its own digest


class Generations:
    """Those in one directory. current: what the emulator is given as its STATE_DIR."""

    def __init__(self, directory: Path) -> None:
        self.current = directory / "state"
        self._before = directory / "state.before"
        self._next = directory / "state.next"
        self._damaged = directory / "state.damaged"

    def settle(self) -> str | None:
        """Make a whole generation the current one, or none. Not while the emulator runs.

        Returns what there is to tell the person at the terminal: what was damaged, and what became of it.
        """
        if not self.current.exists() and not self._before.exists():
            return None
        damage = damage_of(self.current)
        if not damage:
            return None
        if self.current.exists():
            shutil.rmtree(self._damaged, ignore_errors=True)
            self.current.rename(self._damaged)
        if damage_of(self._before):
            return (
                f"The emulator's state is damaged ({', '.join(damage)}), now in {self._damaged}. It begins anew: "
                "tables keep all their items; queued messages are gone, and people sign in again"
            )
        written = datetime.fromtimestamp((self._before / MANIFEST).stat().st_mtime).astimezone()
        self._before.rename(self.current)
        return (
            f"The emulator's state is damaged ({', '.join(damage)}), now in {self._damaged}. "
            f"It goes on with the one of {written:%Y-%m-%d %H:%M:%S}; tables keep all their items"
        )

    @property
    def has_spare(self) -> bool:
        """Whether there is one to go back to."""
        return self._before.exists()

    def begin(self) -> Path:
        """A copy of the current generation. It shares no file with it: what damages one leaves the other whole.

        Code that is in the generation before is taken from there, without copying: that one is given up soon.
        """
        self.drop()
        if self.current.exists():
            shutil.copytree(self.current, self._next, copy_function=self._take)
        (self._next / BLOBS).mkdir(parents=True, exist_ok=True)
        return self._next

    def drop(self) -> None:
        """Give the copy up."""
        shutil.rmtree(self._next, ignore_errors=True)

    def commit(self, texts: Mapping[str, bytes]) -> None:
        """Make the copy the current generation, with these files. Raises OSError when the disk does not take it."""
        manifest = {
            name: digest for name, digest in (_manifest(self.current) or {}).items() if not name.startswith(BLOBS)
        }
        for name, text in texts.items():
            manifest[name] = _digest(text)
            (self._next / name).write_bytes(text)
        manifest |= _blobs(self._next)
        (self._next / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        for file in (*self._next.rglob("*"), self._next):
            _sync(file)
        shutil.rmtree(self._before, ignore_errors=True)
        if self.current.exists():
            self.current.rename(self._before)
        self._next.rename(self.current)
        _sync(self.current.parent)

    def _take(self, source: str, target: str) -> str:
        """Copy a file of the current generation, or link the same code of the one before."""
        same = self._before / Path(source).relative_to(self.current)
        if same.parent.name == BLOBS and same.exists():
            os.link(same, target)
            return target
        return shutil.copy2(source, target)


def damage_of(generation: Path) -> list[str]:
    """Names of its files that are missing or not what was written. One from before manifests has to be JSON at least.

    Reads all of it: 25 MB, which takes 50 ms.
    """
    manifest = _manifest(generation)
    if manifest is not None:
        return sorted(name for name, digest in manifest.items() if not _is_as_written(generation / name, digest))
    files = sorted(generation.glob("*.json"))
    blobs = _blobs(generation)
    broken = [file.name for file in files if not _is_json(file)]
    broken += [name for name, digest in blobs.items() if not _is_as_written(generation / name, digest)]
    return broken if files else [generation.name]


def _manifest(generation: Path) -> dict[str, str] | None:
    try:
        manifest = json.loads((generation / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) else None


def _blobs(generation: Path) -> dict[str, str]:
    return {f"{BLOBS}/{blob.name}": blob.stem for blob in (generation / BLOBS).glob("*.zip")}


def _is_as_written(file: Path, digest: str) -> bool:
    try:
        return _digest(file.read_bytes()) == digest
    except OSError:
        return False


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_bytes())
    except ValueError:
        return False
    return True


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
