"""What a file is by its bytes, and how long it plays, whatever the bytes are."""

import logging
import math
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_src.errors import StoreUnavailable
from lambda_src.services.yoto_smart_stream.names import CONTENT_TYPES
from lambda_src.services.yoto_smart_stream.uploads import audio
from lambda_src.services.yoto_smart_stream.uploads.audio import (
    MAX_MEASURED_BYTES,
    ReadRange,
    declared_duration,
    duration_of_file,
    is_audio,
    is_content_type_of,
    measured_duration,
)
from tests.support.sample_audio import MP3_FRAME, SAMPLES, flac, id3, m4a, mp3, wav

PDF: Final = b"%PDF-1.7\n" + bytes(99)
LONG_FOR_EVER: Final = "while True: pass"


def reader(content: bytes, asked: list[tuple[int, int]] | None = None) -> ReadRange:
    def read(first: int, count: int) -> bytes:
        if asked is not None:
            asked.append((first, count))
        return content[first : first + count]

    return read


def writer(content: bytes) -> Callable[[IO[bytes]], object]:
    return lambda file: file.write(content)


def measured(extension: str, content: bytes) -> int | None:
    return measured_duration(extension, len(content), writer(content))


# ---- kinds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extension", CONTENT_TYPES)
@pytest.mark.parametrize("kind", SAMPLES)
def test_a_file_is_of_the_kind_it_is_called_and_of_no_other(extension, kind):
    asked: list[tuple[int, int]] = []
    assert is_audio(extension, reader(SAMPLES[kind](), asked)) == (extension == kind)
    assert asked == [(0, 64)]


def test_a_frame_of_an_mp3_is_of_layer_3_of_a_version_there_is():
    legal = {second for second in range(0x100) if is_audio("mp3", reader(bytes([0xFF, second, 0x90, 0x00])))}
    assert legal == {0xFA, 0xFB, 0xF2, 0xF3, 0xE2, 0xE3}


def test_a_frame_of_an_mp3_has_a_bitrate_and_a_rate_there_are():
    legal = {third for third in range(0x100) if is_audio("mp3", reader(bytes([0xFF, 0xFB, third, 0x00])))}
    assert legal == {third for third in range(0xF0) if third & 0b1100 != 0b1100}
    assert len(legal) == 180


@pytest.mark.parametrize(
    "content",
    [
        "A story".encode("utf-16"),
        b"\xff\xff\x90\x00" + bytes(60),
        b"\xff\xf1\x50\x80" + bytes(60),
        b"\xff\xf9\x50\x80" + bytes(60),
        b"\xff\xfd\x90\x00" + bytes(60),
        b"\xfe\xfb\x90\x00" + bytes(60),
        b"\xff\xfb",
        b"\xff",
        b"",
        b"\x00" + MP3_FRAME,
        PDF,
    ],
    ids=[
        "text in UTF-16",
        "all ones",
        "AAC",
        "AAC of MPEG 2",
        "Layer II",
        "no sync",
        "cut in the header",
        "one byte",
        "empty",
        "one byte late",
        "PDF",
    ],
)
def test_what_is_no_mp3(content):
    assert not is_audio("mp3", reader(content))


@pytest.mark.parametrize(
    "tags",
    [
        id3(),
        id3(bytes(300)),
        id3(b"\xff" * 300_000),
        id3(bytes(127)),
        id3(bytes(128)),
        id3(bytes(16_384)),
        id3(bytes(2_097_152)),
        id3(bytes(300), has_footer=True),
        id3(bytes(9)) + id3(bytes(30), has_footer=True) + id3(),
    ],
    ids=["empty", "300", "300 kB", "127", "128", "16384", "2 MiB", "footer", "three tags"],
)
@pytest.mark.parametrize(
    ("extension", "content", "expected"),
    [
        ("mp3", mp3(1), True),
        ("mp3", PDF, False),
        ("mp3", flac(), False),
        ("mp3", b"", False),
        ("flac", flac(), True),
        ("flac", mp3(1), False),
        ("wav", wav(), False),
        ("m4a", m4a(), False),
    ],
    ids=["mp3", "PDF", "flac as mp3", "nothing", "flac", "mp3 as flac", "wav", "m4a"],
)
def test_what_stands_behind_the_tag_decides(tags, extension, content, expected):
    assert is_audio(extension, reader(tags + content)) == expected


def test_of_a_long_tag_only_its_beginning_is_read():
    asked: list[tuple[int, int]] = []
    assert is_audio("mp3", reader(id3(bytes(300_000), has_footer=True) + mp3(1), asked))
    assert asked == [(0, 64), (300_020, 64)]


@pytest.mark.parametrize(
    "tag",
    [
        b"ID3\x04\x00\x00\x00\x00\x80\x00",
        b"ID3\xff\x00\x00\x00\x00\x00\x00",
        b"ID3\x03\xff\x00\x00\x00\x00\x00",
        b"ID3",
    ],
    ids=["length", "version", "revision", "cut"],
)
def test_a_tag_that_is_none_is_not_skipped(tag):
    assert not is_audio("mp3", reader(tag + mp3(1)))


def test_tags_without_end_are_not_followed():
    asked: list[tuple[int, int]] = []
    assert not is_audio("mp3", reader(id3() * 50 + mp3(1), asked))
    assert len(asked) == 4


BRANDS: Final = {
    **dict.fromkeys((b"M4A ", b"M4B ", b"F4A ", b"mp41", b"mp42", b"isom"), True),
    **dict.fromkeys((b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"dash"), True),
    **dict.fromkeys((b"heic", b"heix", b"mif1", b"avif", b"qt  ", b"3gp4", b"jxl ", b"M4V ", b"m4a "), False),
}


@pytest.mark.parametrize(("brand", "expected"), BRANDS.items(), ids=[brand.decode() for brand in BRANDS])
def test_a_box_of_a_file_type_says_by_its_brand_whether_it_is_sound(brand, expected):
    assert is_audio("m4a", reader(m4a(brand))) == expected


@pytest.mark.parametrize(
    ("extension", "content"),
    [
        ("wav", b"RIFF\x24\x00\x00\x00AVI LIST" + bytes(50)),
        ("wav", b"RIFX\x24\x00\x00\x00WAVEfmt " + bytes(50)),
        ("wav", b"RIFF"),
        ("m4a", b"ftypM4A " + bytes(50)),
        ("m4a", b"\x00\x00\x00\x20ftyp"),
        ("ogg", b"oggs" + bytes(50)),
        ("flac", b"flac" + bytes(50)),
        ("webm", b"\x1a\x45\xdf" + bytes(50)),
    ],
    ids=["film", "big-endian", "cut wav", "no length", "cut m4a", "ogg", "flac", "webm"],
)
def test_what_only_resembles_it(extension, content):
    assert not is_audio(extension, reader(content))


def test_what_the_reader_raises_passes_through():
    def read(first: int, count: int) -> bytes:
        raise StoreUnavailable

    with pytest.raises(StoreUnavailable):
        is_audio("mp3", read)


BEGINNINGS: Final = [*(make()[:64] for make in SAMPLES.values()), id3(bytes(20)), b"ID3\x04\x00\x10", b"\xff\xfb", b""]


@given(
    extension=st.sampled_from(sorted(CONTENT_TYPES)),
    content=st.builds(bytes.__add__, st.sampled_from(BEGINNINGS), st.binary(max_size=200)) | st.binary(max_size=200),
)
def test_any_bytes_are_judged(extension, content):
    assert is_audio(extension, reader(content)) in {True, False}


# ---- content types ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extension", "declared"),
    [
        *CONTENT_TYPES.items(),
        *((extension, "") for extension in CONTENT_TYPES),
        *((extension, None) for extension in CONTENT_TYPES),
        ("m4a", "audio/x-m4a"),
        ("mp3", "audio/mp3"),
        ("wav", "audio/x-wav"),
        ("wav", "audio/vnd.wave"),
        ("webm", "video/webm"),
        ("webm", "audio/webm;codecs=opus"),
        ("ogg", "application/ogg"),
        ("ogg", "audio/ogg; codecs=opus"),
        ("flac", "audio/x-flac"),
        ("mp3", "Audio/MPEG"),
    ],
)
def test_a_type_that_somebody_gives_to_such_files_is_taken(extension, declared):
    assert is_content_type_of(extension, declared)


@pytest.mark.parametrize("extension", CONTENT_TYPES)
@pytest.mark.parametrize(
    "declared", ["text/html", "application/octet-stream", "image/png", "audio", "text/html;audio/mpeg"]
)
def test_another_type_is_not(extension, declared):
    assert not is_content_type_of(extension, declared)


def test_no_type_is_that_of_two_kinds():
    for declared in CONTENT_TYPES.values():
        assert sum(is_content_type_of(extension, declared) for extension in CONTENT_TYPES) == 1


# ---- durations -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (12.48, 12),
        (12.5, 13),
        (13.5, 14),
        (0.4, 0),
        (0.5, 1),
        (3, 3),
        (86_400, 86_400),
        (86_400.4, 86_400),
        (86_400.5, None),
        (86_401, None),
        (10**400, None),
        (0, None),
        (-1, None),
        (-0.1, None),
        (math.nan, None),
        (math.inf, None),
        (-math.inf, None),
        (None, None),
        (True, None),
        ("12", None),
        (Decimal(12), None),
        ([12], None),
    ],
    ids=repr,
)
def test_a_declared_duration_is_a_number_of_seconds_or_absent(value, expected):
    found = declared_duration(value)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("extension", [extension for extension in CONTENT_TYPES if extension != "webm"])
def test_the_duration_of_a_file_is_read_from_it(extension):
    assert measured(extension, SAMPLES[extension]()) == 3


def test_the_duration_of_a_file_behind_a_tag_is_read_from_it():
    assert measured("mp3", id3(bytes(3000)) + mp3()) == 3
    assert measured("flac", id3(bytes(3000)) + flac()) == 3


def test_a_file_that_is_too_large_or_of_a_kind_that_cannot_be_read_is_not_fetched():
    def download(file: IO[bytes]) -> object:
        return pytest.fail("nothing is fetched")

    assert measured_duration("webm", 100, download) is None
    assert measured_duration("wav", MAX_MEASURED_BYTES + 1, download) is None
    fetched: list[IO[bytes]] = []
    assert measured_duration("wav", MAX_MEASURED_BYTES, fetched.append) is None
    assert len(fetched) == 1


def test_the_file_is_gone_afterwards():
    paths: list[Path] = []

    def download(file: IO[bytes]) -> object:
        paths.append(Path(file.name))
        return file.write(wav())

    assert measured_duration("wav", 100, download) == 3
    [path] = paths
    assert (path.suffix, path.exists()) == (".wav", False)


def test_a_download_that_fails_leaves_the_duration_absent(caplog):
    caplog.set_level(logging.INFO)

    def download(file: IO[bytes]) -> object:
        raise StoreUnavailable("busy")

    assert measured_duration("wav", 100, download) is None
    [record] = caplog.records
    assert (record.message, vars(record)["reason"]) == ("duration not measured", "StoreUnavailable")


@pytest.mark.parametrize("extension", ["mp3", "m4a", "wav", "ogg", "flac"])
@pytest.mark.parametrize("length", [0, 1, 12, 40])
def test_the_head_of_a_file_alone_has_no_duration_that_is_wrong(extension, length):
    assert measured(extension, SAMPLES[extension]()[:length]) in {None, 0, 3}


@pytest.mark.parametrize("seconds", [86_401, 4_000_000])
def test_a_file_that_says_it_is_longer_than_a_day_has_no_duration(seconds):
    assert measured("m4a", m4a(seconds=seconds)) is None


def endings(caplog: pytest.LogCaptureFixture) -> list[Any]:
    return [vars(record)["reason"] for record in caplog.records]


def test_a_reader_that_never_ends_is_ended(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    assert duration_of_file(tmp_path, seconds=0.3, program=LONG_FOR_EVER) is None
    assert endings(caplog) == ["TimeoutExpired"]


@pytest.mark.parametrize(
    "program",
    ["import os; os.kill(os.getpid(), 9)", "raise SystemExit(3)", "1 / 0"],
    ids=["killed", "left", "raised"],
)
def test_a_reader_that_dies_leaves_the_duration_absent(tmp_path, caplog, program):
    caplog.set_level(logging.INFO)
    assert duration_of_file(tmp_path, program=program) is None
    assert endings(caplog) == ["CalledProcessError"]


@pytest.mark.parametrize("said", ["None", "nan", "inf", "-3", "", "three", "3 4"])
def test_a_reader_that_says_something_else_leaves_the_duration_absent(tmp_path, said):
    assert duration_of_file(tmp_path, program=f"print({said!r})") is None


def test_a_reader_has_no_credentials_and_a_bound_on_its_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/var/lang/lib")
    assert duration_of_file(tmp_path, program="import os; print(len(os.environ.keys() - {'LC_CTYPE'}))") == 1
    path = tmp_path / "a.wav"
    path.write_bytes(wav())
    bounded = audio._MEASURE.replace("from tinytag", "bytearray(300 * 1024 * 1024)\nfrom tinytag")
    assert (duration_of_file(path), duration_of_file(path, program=bounded)) == (3, None)


@settings(max_examples=25, deadline=None)
@given(
    extension=st.sampled_from(["mp3", "m4a", "wav", "ogg", "flac"]),
    places=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=20),
    length=st.integers(0, 500),
)
def test_whatever_the_bytes_a_duration_is_seconds_or_absent(extension, places, length):
    content = bytearray(SAMPLES[extension]()[:length])
    for place, value in places:
        if place < len(content):
            content[place] = value
    found = measured(extension, bytes(content))
    assert found is None or 0 <= found <= 86_400
