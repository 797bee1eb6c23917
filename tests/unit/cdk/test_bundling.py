"""Bundling: the same input gives the same bytes, and byte code that Lambda takes as it is."""

import importlib.util
import marshal
import os
import zipfile
from pathlib import Path

import pytest

from cdk_app.constructs import bundling
from cdk_app.constructs.bundling import BundleContents, WrongPython
from cdk_app.constructs.wheelhouse import HOST

UNCHECKED_HASH = 0b01  # https://peps.python.org/pep-0552/


def make_sources(folder: Path) -> Path:
    package = folder / "package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "module.py").write_text(
        "NAMES = frozenset({'a', 'b', 'c'})\n\n\ndef f(x):\n    return x in {'d', 'e'}\n"
    )
    return folder


def test_byte_code_is_never_checked_and_names_the_path_on_lambda(tmp_path):
    folder = make_sources(tmp_path / "here")
    bundling.compile_folder(folder)
    [compiled] = (folder / "package" / "__pycache__").glob("module.*.pyc")
    content = compiled.read_bytes()
    assert content[:4] == importlib.util.MAGIC_NUMBER
    assert int.from_bytes(content[4:8], "little") == UNCHECKED_HASH
    assert marshal.loads(content[16:]).co_filename == "/var/task/package/module.py"  # noqa: S302 - our own


def test_two_folders_with_the_same_files_give_the_same_zip(tmp_path):
    archives = []
    for name in ("one", "another-place"):
        folder = make_sources(tmp_path / name)
        bundling.compile_folder(folder)
        archives.append(tmp_path / f"{name}.zip")
        bundling.write_zip(archives[-1], [folder])
    first, second = (archive.read_bytes() for archive in archives)
    assert first == second


def test_entries_of_a_zip_are_sorted_dated_1980_and_readable_by_all(tmp_path):
    folder = make_sources(tmp_path / "files")
    (folder / "package" / "module.py").chmod(0o600)
    bundling.write_zip(tmp_path / "out.zip", [folder])
    with zipfile.ZipFile(tmp_path / "out.zip") as bundle:
        entries = bundle.infolist()
    assert [entry.filename for entry in entries] == ["package/__init__.py", "package/module.py"]
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}


def test_another_python_is_refused_with_the_command_that_installs_the_right_one(monkeypatch):
    monkeypatch.setattr(bundling, "PYTHON_VERSION", (3, 99))
    with pytest.raises(WrongPython, match=r"uv python install 3\.99"):
        bundling.bundle_service(BundleContents("stock_track_record"), HOST)


def test_only_the_newest_bundles_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(bundling, "CACHE", tmp_path)
    for number in range(bundling.KEPT_BUNDLES + 3):
        archive = tmp_path / f"service-{number}.zip"
        archive.touch()
        os.utime(archive, (number, number))
    bundling._forget_old("service-*.zip")
    kept = sorted(int(path.stem.removeprefix("service-")) for path in tmp_path.iterdir())
    assert kept == list(range(4, bundling.KEPT_BUNDLES + 3))
