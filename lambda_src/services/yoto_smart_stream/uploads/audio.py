"""What an uploaded file is, judged by its bytes, and how long it plays."""

import contextlib
import importlib.util
import logging
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Final

from lambda_src.services.yoto_smart_stream.names import CONTENT_TYPES

logger = logging.getLogger(__name__)

type ReadRange = Callable[[int, int], bytes]
"""(first, count): that many bytes of the file from that offset, fewer at its end, none behind it."""

type Download = Callable[[IO[bytes]], object]
"""Writes the whole file into an open one."""

# What browsers and systems call the same, each in its own way; a browser that knows no name for a file says nothing.
_SYNONYMS: Final[Mapping[str, frozenset[str]]] = {
    "mp3": frozenset({"audio/mp3", "audio/mpeg3", "audio/x-mp3", "audio/x-mpeg", "audio/x-mpeg-3"}),
    "m4a": frozenset({"audio/m4a", "audio/x-m4a"}),
    "wav": frozenset({"audio/x-wav", "audio/wave", "audio/vnd.wave", "audio/x-pn-wav"}),
    "ogg": frozenset({"application/ogg", "audio/x-ogg", "audio/opus", "audio/vorbis", "video/ogg"}),
    "flac": frozenset({"audio/x-flac", "application/flac", "application/x-flac"}),
    "webm": frozenset({"video/webm"}),
}

# https://www.iso.org/standard/83102.html (file type box); brands are registered at https://mp4ra.org/registered-types/brands
_BRANDS: Final = frozenset(
    {b"M4A ", b"M4B ", b"F4A ", b"mp41", b"mp42", b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"dash"}
)
_HEAD_BYTES: Final = 64
_TAG_HEADER_BYTES: Final = 10
_FOOTER_FLAG: Final = 0x10
MAX_TAGS: Final = 3  # some programs put a second one before the first

MAX_MEASURED_BYTES: Final = 50 * 1024 * 1024
MAX_MEASURING_SECONDS: Final = 10.0
MAX_MEASURING_MEMORY_BYTES: Final = 256 * 1024 * 1024
MAX_SECONDS: Final = 86_400
_MEASURED: Final = frozenset(CONTENT_TYPES) - {"webm"}  # tinytag does not read it

# There were files in which tinytag never ended, and only a process can be ended whatever it does. This one, without
# site-packages, takes 25 ms of a whole core from start to end.
_MEASURE: Final = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[3]), int(sys.argv[3])))
sys.path.append(sys.argv[1])
from tinytag import TinyTag
print(TinyTag.get(sys.argv[2], tags=False).duration)
"""


def is_content_type_of(extension: str, declared: str | None) -> bool:
    """Whether a declared type is one that files of this extension have; so is none at all. Parameters are left aside.

    extension: of CONTENT_TYPES, here and below. What is stored is its type there, never the declared one.
    """
    essence = (declared or "").partition(";")[0].strip().lower()
    return essence in {"", CONTENT_TYPES[extension]} | _SYNONYMS[extension]


def is_audio(extension: str, read: ReadRange) -> bool:
    """Whether a file is of the kind that its extension says. Reads 64 bytes, and 64 more behind each leading ID3v2 tag.

    What `read` raises passes through.
    """
    offset = 0
    for _ in range(MAX_TAGS + 1):
        head = read(offset, _HEAD_BYTES)
        if extension not in ("mp3", "flac") or not head.startswith(b"ID3"):
            return _LOOKS_LIKE[extension](head)
        length = _tag_length(head)
        if length is None:
            return False
        offset += length
    return False


def declared_duration(value: object) -> int | None:
    """A duration that a client or a file states, in whole seconds, 0-86400, halves up; None unless it is such a number.

    It has to be a finite number above 0; browsers say Infinity of what they have recorded.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return math.floor(value + 0.5) if 0 < value < MAX_SECONDS + 0.5 else None


def measured_duration(extension: str, size_bytes: int, download: Download) -> int | None:
    """How long a file plays, in whole seconds, as far as that can be read from it; None after whatever failure.

    Downloads it into a temporary file unless it is too large or of a kind that cannot be read, and gives a process of
    its own 10 s to read it.
    """
    if extension not in _MEASURED or size_bytes > MAX_MEASURED_BYTES:
        return None
    try:
        with tempfile.NamedTemporaryFile(suffix=f".{extension}") as file:
            download(file)
            file.flush()
            return duration_of_file(Path(file.name))
    except Exception as error:  # noqa: BLE001 -- a file without a duration is as good as one with it
        logger.info("duration not measured", extra={"reason": type(error).__name__})
        return None


def duration_of_file(path: Path, *, seconds: float = MAX_MEASURING_SECONDS, program: str = _MEASURE) -> int | None:
    """How long a file on disk plays, whose name tells its kind; None when tinytag cannot say it, or not in time."""
    found = importlib.util.find_spec("tinytag")
    assert found is not None, "tinytag is in the lock of this service"
    assert found.origin is not None
    packages = str(Path(found.origin).parents[1])
    command = [sys.executable, "-I", "-S", "-c", program, packages, str(path), str(MAX_MEASURING_MEMORY_BYTES)]
    # Where Lambda keeps Python's own library; and no credentials for whoever might get something out of a parser.
    environment = {name: value for name, value in os.environ.items() if name == "LD_LIBRARY_PATH"}
    try:
        done = subprocess.run(  # noqa: S603 -- our own interpreter, and a name that we made
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            env=environment,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        logger.info("duration not read", extra={"reason": type(error).__name__})
        return None
    with contextlib.suppress(ValueError):  # "None" of a file that does not say
        return declared_duration(float(done.stdout))
    return None


def _tag_length(head: bytes) -> int | None:
    """Bytes of the ID3v2 tag that a file begins with, header and footer included; None when it is no such tag.

    https://id3.org/id3v2.4.0-structure: seven bits to a byte, so that no length looks like the start of a frame.
    """
    header = head[:_TAG_HEADER_BYTES]
    if len(header) < _TAG_HEADER_BYTES or 0xFF in header[3:5] or any(byte > 0x7F for byte in header[6:10]):
        return None
    a, b, c, d = header[6:10]
    footer = _TAG_HEADER_BYTES if header[5] & _FOOTER_FLAG else 0
    return _TAG_HEADER_BYTES + (a << 21 | b << 14 | c << 7 | d) + footer


def _is_mp3(head: bytes) -> bool:
    """Whether this is the header of an MPEG frame of Layer III. Layers I and II are not what is meant by an mp3.

    `FF FE` and `FF FF` begin texts, `FF F1` and `FF F9` AAC streams: their layer bits are not 01.
    http://www.mp3-tech.org/programmer/frame_header.html
    """
    if len(head) < 3 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = head[1] >> 3 & 0b11, head[1] >> 1 & 0b11
    bitrate, rate = head[2] >> 4, head[2] >> 2 & 0b11
    return version != 0b01 and layer == 0b01 and bitrate != 0b1111 and rate != 0b11


_LOOKS_LIKE: Final[Mapping[str, Callable[[bytes], bool]]] = {
    "mp3": _is_mp3,
    "m4a": lambda head: head[4:8] == b"ftyp" and head[8:12] in _BRANDS,
    "wav": lambda head: head[:4] == b"RIFF" and head[8:12] == b"WAVE",
    "ogg": lambda head: head.startswith(b"OggS"),
    "flac": lambda head: head.startswith(b"fLaC"),
    "webm": lambda head: head.startswith(b"\x1a\x45\xdf\xa3"),
}
