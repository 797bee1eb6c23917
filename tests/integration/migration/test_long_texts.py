"""Texts of a megabyte, in more rows than memory should hold at once."""

import tracemalloc

import pytest

from tests.support.migration.yoto_smart_stream_files import audio, earlier_file, rows_of
from tests.support.migration.yoto_smart_stream_operator import done

ROWS = 300
TEXT_BYTES = 200_000


@pytest.mark.parametrize("phase", ["copy", "reverse-export"])
def test_memory_does_not_grow_with_the_texts(mover, earlier, tmp_path, phase):
    text = "Once upon a time. " * (TEXT_BYTES // 18)
    files = (audio(n, f"{n}.mp3", transcript=f"{n} {text}", transcript_status="completed") for n in range(1, ROWS + 1))
    earlier_file(earlier, audio_files=files)
    if phase != "copy":
        done(mover, "copy")
    options = [f"--out={tmp_path / 'back'}"] if phase == "reverse-export" else []
    tracemalloc.start()
    try:
        done(mover, phase, *options)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    if phase == "reverse-export":
        [file] = (tmp_path / "back").iterdir()
        assert sum(len(row["transcript"]) for row in rows_of(file, "audio_files")) > ROWS * len(text)
    assert peak_bytes < ROWS * TEXT_BYTES / 2
