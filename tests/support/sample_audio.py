"""Small files of every kind that may be uploaded, made here, whole enough for a reader of durations."""

import io
import struct
import wave
from collections.abc import Callable
from typing import Final

MP3_FRAME: Final = b"\xff\xfb\x90\x00" + bytes(413)  # MPEG 1, Layer III, 128 kbit/s, 44.1 kHz: 1152 samples


def mp3(frames: int = 115) -> bytes:
    """3 s: frames of 26 ms."""
    return MP3_FRAME * frames


def id3(content: bytes = b"", *, has_footer: bool = False) -> bytes:
    """An ID3v2.4 tag around frames, which may be nonsense."""
    size = len(content)
    length = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    header = b"ID3\x04\x00" + (b"\x10" if has_footer else b"\x00") + length
    return header + content + (b"3DI" + header[3:] if has_footer else b"")


def m4a(brand: bytes = b"M4A ", seconds: float = 3) -> bytes:
    """https://developer.apple.com/documentation/quicktime-file-format/movie_header_atom"""
    header = bytes(12) + struct.pack(">II", 1000, round(seconds * 1000)) + bytes(80)
    return _box(b"ftyp", brand + bytes(4) + b"isom") + _box(b"moov", _box(b"mvhd", header)) + _box(b"mdat", bytes(99))


def wav(seconds: float = 3) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(1)
        writer.setframerate(8000)
        writer.writeframes(bytes(round(8000 * seconds)))
    return file.getvalue()


def ogg(seconds: float = 3) -> bytes:
    """Vorbis: its first header, and a last page that says how many samples there were. https://xiph.org/ogg/doc/framing.html"""
    head = b"\x01vorbis" + struct.pack("<IBIiiiB", 0, 1, 44_100, 0, 128_000, 0, 0xB8) + b"\x01"
    return _page(head, kind=2, samples=0) + _page(bytes(99), kind=4, samples=round(44_100 * seconds))


def flac(seconds: float = 3) -> bytes:
    """https://www.rfc-editor.org/rfc/rfc9639#name-streaminfo"""
    rate_channels_bits = 44_100 << 44 | 0 << 41 | 15 << 36 | round(44_100 * seconds)
    info = struct.pack(">HH", 4096, 4096) + bytes(6) + rate_channels_bits.to_bytes(8) + bytes(16)
    return b"fLaC\x80" + len(info).to_bytes(3) + info + b"\xff\xf8" + bytes(99)


def webm() -> bytes:
    return b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\x82\x84webm" + bytes(99)


SAMPLES: Final[dict[str, Callable[[], bytes]]] = {
    "mp3": mp3,
    "m4a": m4a,
    "wav": wav,
    "ogg": ogg,
    "flac": flac,
    "webm": webm,
}
"""By extension; 3 s each."""


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def _page(packet: bytes, *, kind: int, samples: int) -> bytes:
    return b"OggS\x00" + struct.pack("<BqIIIBB", kind, samples, 1, 0, 0, 1, len(packet)) + packet
