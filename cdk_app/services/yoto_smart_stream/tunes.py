"""A dozen short tunes, made of sine waves as they are asked for, so that no recording has to be kept here."""

import io
import math
import wave
from dataclasses import dataclass
from typing import Final

RATE: Final = 8_000  # samples per second, of one byte each
NOTE_SECONDS: Final = 0.25
A4_HERTZ: Final = 440.0
_FADE: Final = 200  # samples at both ends of a note, or it would click


@dataclass(frozen=True, slots=True)
class Tune:
    """notes: semitones above A4, below it negative."""

    filename: str
    notes: tuple[int, ...]

    def wav(self) -> bytes:
        """The tune as a file: mono, 8 bits, a few seconds, about 2 KB per note."""
        with io.BytesIO() as made:
            with wave.open(made, "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(1)
                file.setframerate(RATE)
                file.writeframes(b"".join(map(_note, self.notes)))
            return made.getvalue()


TUNES: Final = (
    Tune("Frère Jacques.wav", (3, 5, 7, 3, 3, 5, 7, 3)),
    Tune("The Dragon.wav", (-9, -9, -8, -9, -6, -8)),
    Tune("Dragon Tales.wav", (-9, -5, -2, 3, -2, -5)),
    Tune("dragonfly.wav", (12, 15, 12, 15, 17, 15)),
    Tune("Twinkle 🌟.wav", (3, 3, 10, 10, 12, 12, 10)),
    Tune("Good night, moon.wav", (10, 7, 3, 0, 3)),
    Tune("Épisode #1 🐙.wav", (0, 2, 3, 5, 7, 8, 11, 12)),
    Tune("Épisode #2 🐙.wav", (12, 11, 8, 7, 5, 3, 2, 0)),
    Tune("ねこふんじゃった.wav", (8, 6, 1, 13, 13, 8, 6, 1, 13, 13)),
    Tune("Маленькой ёлочке.wav", (7, 12, 12, 7, 8, 7, 5, 3)),
    Tune("Count to ten.wav", (3, 5, 7, 8, 10, 12, 14, 15, 17, 19)),
)
BROKEN: Final = ("Torn page.mp3", b"%PDF-1.7\nNo song at all, whatever its name says.\n")
"""What somebody uploads by mistake; it is refused once its bytes are looked at."""


def _note(semitones: int) -> bytes:
    step = math.tau * A4_HERTZ * 2 ** (semitones / 12) / RATE
    count = int(RATE * NOTE_SECONDS)
    loudness = [min(1.0, number / _FADE, (count - number) / _FADE) for number in range(count)]
    return bytes(round(128 + 60 * loud * math.sin(step * number)) for number, loud in enumerate(loudness))
