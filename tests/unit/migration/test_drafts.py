"""Files that are written whole or not at all: JSON that no terminal takes for more than text."""

import json

import pytest

from lambda_src.migration.drafts import Draft
from lambda_src.migration.errors import BadUsage

UNSEEN = [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]


def written(folder, entry):
    with Draft(folder) as draft:
        draft.lines("entries.jsonl", [entry])
    return (folder / "entries.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", UNSEEN, ids=hex)
def test_a_character_that_nobody_sees_is_escaped_and_means_the_same(tmp_path, code):
    entry = {f"key{chr(code)}": f"a{chr(code)}b"}

    text = written(tmp_path, entry)

    assert chr(code) not in text.removesuffix("\n")
    assert json.loads(text) == entry


def test_letters_of_all_languages_stay_readable(tmp_path):
    assert written(tmp_path, {"name": "Maß 日本 🏘 \\u202e"}) == '{"name":"Maß 日本 🏘 \\\\u202e"}\n'


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_file_is_no_folder(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(BadUsage, match="is no folder"):
        Draft(tmp_path / name)
