"""The files that data travels in: written whole or not at all, and believed only when they are what was written."""

import hashlib
import json
import tracemalloc

import pytest

from lambda_src.migration.drafts import Draft
from lambda_src.migration.errors import REFUSED, BadDocument
from lambda_src.migration.mappings.nbhd_city.mapping import mapping
from lambda_src.migration.source import documents
from lambda_src.migration.source.documents import MANIFEST, entries
from tests.support.migration.nbhd_city_rows import many_rows, membership, neighborhood, write_export

NEIGHBORHOODS = mapping().source("neighborhoods")
ROWS = [neighborhood(3, 'Ma\u00df \u2603\n"quoted" \U0001f3d8'), neighborhood(-4, "Two", description=None)]


@pytest.fixture
def folder(tmp_path):
    write_export(tmp_path / "export", ROWS, [membership(10, "did:plc:bob", 3)])
    return tmp_path / "export"


def read_manifest(folder):
    return documents.read_manifest(folder, mapping())


def read(folder):
    return list(entries(folder, NEIGHBORHOODS, read_manifest(folder).parts["neighborhoods"]))


def vouch(folder, name):
    """Write the digest of a changed file into the manifest, as somebody who wants it believed."""
    path = folder / MANIFEST
    manifest = json.loads(path.read_bytes())
    manifest[name]["sha256"] = hashlib.sha256((folder / f"{name}_export.json").read_bytes()).hexdigest()
    path.write_text(json.dumps(manifest))


def test_rows_come_back_as_they_were_written(folder):
    assert read(folder) == ROWS
    manifest = json.loads((folder / MANIFEST).read_bytes())
    part = manifest["neighborhoods"]
    assert manifest["format"] == 1
    assert (part["count"], part["max_id"]) == (2, 3)
    assert part["sha256"] == hashlib.sha256((folder / "neighborhoods_export.json").read_bytes()).hexdigest()
    assert json.loads((folder / "neighborhoods_export.json").read_bytes()) == ROWS


def test_files_are_for_their_owner_only(folder):
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_an_empty_table_is_an_empty_array(tmp_path):
    manifest = write_export(tmp_path, [], [])
    part = manifest.parts["neighborhoods"]
    assert (part.count, part.max_id) == (0, 0)
    assert json.loads((tmp_path / "neighborhoods_export.json").read_bytes()) == []
    assert read(tmp_path) == []


def test_any_spelling_of_the_same_json_is_read(folder):
    path = folder / "neighborhoods_export.json"
    for options in ({}, {"indent": 4, "ensure_ascii": False}, {"separators": (",", ":")}):
        path.write_text(json.dumps(ROWS, **options), encoding="utf-8")
        vouch(folder, "neighborhoods")
        assert read(folder) == ROWS


def test_a_write_that_fails_leaves_what_was_there(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def failing():
        yield neighborhood(1, "One")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk is full"):
        write_export(folder, failing(), [])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_no_file_has_its_name_before_all_are_written(tmp_path):
    with Draft(tmp_path) as draft:
        draft.lines("a.jsonl", [{"a": 1}, {"a": 2}])
        draft.object("b.json", [("1", "x"), ("2", "y")])
        assert {path.suffix for path in tmp_path.iterdir()} == {".part"}
    assert (tmp_path / "a.jsonl").read_text() == '{"a":1}\n{"a":2}\n'
    assert json.loads((tmp_path / "b.json").read_bytes()) == {"1": "x", "2": "y"}


@pytest.mark.parametrize("name", ["neighborhoods", "memberships"])
@pytest.mark.parametrize("harm", ["changed", "cut off", "gone"])
def test_a_file_that_is_not_what_was_exported_is_not_believed(folder, name, harm):
    path = folder / f"{name}_export.json"
    content = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(content.replace(b"did:", b"DID:", 1) if harm == "changed" else content[:-5])
    with pytest.raises(BadDocument, match=f"{name}_export.json (was changed or cut off|is missing)") as caught:
        read_manifest(folder)
    assert caught.value.exit_code == REFUSED


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (ROWS[:1], "has 1 entries where export_manifest.json says 2"),
        ([*ROWS, ROWS[0]], "has 3 entries where export_manifest.json says 2"),
        ({"rows": ROWS}, "has 0 entries"),
        ([ROWS[0], {"id": 1}], "entry 2: it is no object with exactly id, name, "),
        ([ROWS[0], {**ROWS[1], "password": "x"}], "entry 2: it is no object with exactly id, name, "),
        ([ROWS[0], 5], "entry 2: it is no object"),
        ([{**ROWS[0], "id": None}], "entry 1: id is null"),
        ([{**ROWS[0], "id": "3"}], "entry 1: id is no integer"),
        ([{**ROWS[0], "id": True}], "entry 1: id is no integer"),
        ([{**ROWS[0], "id": 1.0}], "entry 1: id is no integer"),
        ([{**ROWS[0], "id": 2**63}], "entry 1: id is no integer of 64 bits"),
        ([{**ROWS[0], "name": 5}], "entry 1: name is no text"),
    ],
)
def test_an_array_that_is_not_as_agreed_is_refused_with_its_entry(folder, content, told):
    (folder / "neighborhoods_export.json").write_text(json.dumps(content))
    vouch(folder, "neighborhoods")
    with pytest.raises(BadDocument, match=told):
        read(folder)


@pytest.mark.parametrize("content", [b"", b"[", b'[{"id": 1', b"[} ]", b'["\xff"]', b"[1] trailing"])
def test_a_file_that_is_no_json_is_refused(folder, content):
    (folder / "neighborhoods_export.json").write_bytes(content)
    vouch(folder, "neighborhoods")
    with pytest.raises(BadDocument, match=r"neighborhoods_export\.json, entry"):
        read(folder)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"format": 2}', '{"format": 1, "exported_at": "x", "neighborhoods": {}, "memberships": {}}'],
)
def test_a_manifest_that_is_none_is_refused(folder, content):
    (folder / MANIFEST).write_text(content)
    with pytest.raises(BadDocument, match="is no manifest of an export"):
        read_manifest(folder)


def test_a_folder_without_a_manifest_is_refused(tmp_path):
    with pytest.raises(BadDocument, match=r"export_manifest\.json is missing"):
        read_manifest(tmp_path)


def test_entries_are_read_one_by_one(tmp_path):
    rows = many_rows(20_000, 0)
    manifest = write_export(tmp_path, rows["neighborhoods"], [])
    size_bytes = (tmp_path / "neighborhoods_export.json").stat().st_size
    tracemalloc.start()
    try:
        assert sum(1 for _ in entries(tmp_path, NEIGHBORHOODS, manifest.parts["neighborhoods"])) == 20_000
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < size_bytes / 10
