"""What a start of the emulator finds after a bad night: a whole generation, an older one, or none, and what is told."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from cdk_app.local.generations import BLOBS, MANIFEST, Generations, damage_of

CODE = b"PK code of a function"
BLOB = f"{BLOBS}/{hashlib.sha256(CODE).hexdigest()}.zip"
FILES = ("secretsmanager.json", "lambda.json", "sqs.json", BLOB)


def write(generations: Generations, number: int) -> None:
    """A generation in which two services changed and one did not."""
    (generations.begin() / BLOB).write_bytes(CODE)
    texts = {"secretsmanager.json": {"at": number}, "lambda.json": {"at": number}, "sqs.json": {"queues": ["work"]}}
    generations.commit({name: json.dumps(text).encode() for name, text in texts.items()})


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def number_in(generations: Generations) -> int:
    number: int = json.loads((generations.current / "lambda.json").read_bytes())["at"]
    return number


@pytest.fixture
def generations(tmp_path) -> Generations:
    """The third of three generations is the current one."""
    generations = Generations(tmp_path)
    for number in (1, 2, 3):
        write(generations, number)
    return generations


def test_what_is_whole_is_used_without_a_word(generations):
    assert generations.settle() is None
    assert number_in(generations) == 3


@pytest.mark.parametrize(
    "damage",
    [halve, Path.unlink, lambda path: path.write_bytes(b""), Path.touch],
    ids=["halved", "gone", "emptied", "touched"],
)
@pytest.mark.parametrize("name", FILES)
def test_one_damaged_file_costs_one_generation_and_no_more(generations, name, damage):
    """Also a file that did not change in between, and also when files that belong together were all written."""
    is_harmless = damage is Path.touch
    damage(generations.current / name)
    told = generations.settle()
    assert number_in(generations) == (3 if is_harmless else 2)
    assert damage_of(generations.current) == []
    if is_harmless:
        assert told is None
    else:
        assert told is not None
        assert name in told
        assert "state.damaged" in told
        assert "tables keep all their items" in told


def test_without_a_whole_generation_the_emulator_begins_anew_and_the_person_is_told_what_that_costs(generations):
    for generation in (generations.current, generations.current.with_name("state.before")):
        halve(generation / "secretsmanager.json")
    told = generations.settle()
    assert told is not None
    assert "begins anew" in told
    assert "queued messages are gone" in told
    assert not generations.current.exists()


def test_a_kill_between_the_two_steps_of_a_change_costs_nothing_but_the_change(generations):
    generations.current.rename(generations.current.with_name("lost"))  # the new one had not taken its place
    generations.settle()
    assert number_in(generations) == 2


def test_a_half_written_next_generation_is_not_missed(generations):
    (generations.begin() / "lambda.json").write_bytes(b'{"at"')
    assert generations.settle() is None
    write(generations, 4)
    assert (generations.settle(), number_in(generations)) == (None, 4)


def test_a_state_from_before_manifests_is_used_as_long_as_it_can_be_read(tmp_path):
    generations = Generations(tmp_path)
    (generations.current / BLOBS).mkdir(parents=True)
    (generations.current / "lambda.json").write_text('{"at": 7}')
    (generations.current / BLOB).write_bytes(CODE)
    assert generations.settle() is None
    halve(generations.current / "lambda.json")
    told = generations.settle()
    assert told is not None
    assert "lambda.json" in told


def test_code_that_is_not_what_its_name_says_is_noticed_without_a_manifest(tmp_path):
    generations = Generations(tmp_path)
    write(generations, 1)
    (generations.current / MANIFEST).unlink()
    halve(generations.current / BLOB)
    assert damage_of(generations.current) == [BLOB]


def test_a_first_start_has_nothing_to_settle(tmp_path):
    assert Generations(tmp_path).settle() is None


def test_what_the_disk_does_not_take_leaves_the_generation_of_before(generations, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        generations.begin()
        with pytest.raises(OSError, match="No space left"):
            generations.commit({"lambda.json": b"{}"})
    assert (generations.settle(), number_in(generations)) == (None, 3)
