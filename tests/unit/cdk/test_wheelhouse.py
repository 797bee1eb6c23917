"""The wheelhouse: filled by set-up, and by synthesis where set-up has not run."""

import subprocess
from pathlib import Path

import pytest

from cdk_app.constructs import wheelhouse
from cdk_app.constructs.wheelhouse import HOST, LAMBDA_ARM64, WheelhouseMissing


@pytest.fixture
def lock(tmp_path, monkeypatch):
    lock = tmp_path / "requirements.txt"
    lock.write_text("six==1.17.0\n")
    monkeypatch.setattr(wheelhouse, "ROOT", tmp_path)
    monkeypatch.setattr(wheelhouse, "LOCK", lock)
    return lock


@pytest.mark.parametrize("failure", [subprocess.CalledProcessError(2, "uv"), subprocess.TimeoutExpired("uv", 1)])
def test_a_wheelhouse_that_cannot_be_filled_names_the_command_that_tries_again(lock, monkeypatch, failure):
    def fail(*_args, **_kwargs):
        raise failure

    monkeypatch.setattr("subprocess.run", fail)
    with pytest.raises(WheelhouseMissing, match=r"cannot be fetched.*run: python -m cdk_app\.constructs\.wheelhouse$"):
        wheelhouse.unpacked(LAMBDA_ARM64)


def test_a_missing_wheelhouse_and_one_of_a_changed_lock_is_filled_and_that_is_said(lock, monkeypatch, capsys):
    asked = []

    def install(command, **_kwargs):
        folder = Path(command[command.index("--target") + 1])
        folder.mkdir()
        asked.append(folder.name)

    monkeypatch.setattr("subprocess.run", install)
    first = wheelhouse.unpacked(LAMBDA_ARM64)
    assert capsys.readouterr().err == "Unpacking requirements.txt for aarch64-manylinux_2_28, once\n"
    assert wheelhouse.unpacked(LAMBDA_ARM64) == first
    lock.write_text("six==1.16.0\n")
    assert wheelhouse.unpacked(LAMBDA_ARM64) != first
    assert len(asked) == 2


def test_a_filled_wheelhouse_is_not_filled_again(lock, monkeypatch):
    folder = wheelhouse.location(HOST)
    folder.mkdir(parents=True)
    monkeypatch.setattr("subprocess.run", lambda *_args, **_kwargs: pytest.fail("installed again"))
    assert wheelhouse.fill(HOST) == folder


def test_wheels_for_lambda_are_chosen_for_its_platform_with_hashes_and_without_building(tmp_path):
    command = wheelhouse.install_command(LAMBDA_ARM64, tmp_path)
    assert command[command.index("--python-platform") + 1] == "aarch64-manylinux_2_28"
    assert command[command.index("--python-version") + 1] == "3.13"
    assert {"--require-hashes", "--no-deps"} <= set(command)
    assert command[command.index("--only-binary") + 1] == ":all:"


def test_wheels_for_this_machine_are_chosen_by_its_interpreter(tmp_path):
    assert "--python-platform" not in wheelhouse.install_command(HOST, tmp_path)


def test_a_new_lock_replaces_the_dependencies_of_the_old_one_and_leaves_another_process_alone(lock, monkeypatch):
    old = wheelhouse.location(HOST)
    old.mkdir(parents=True)
    lock.write_text("six==1.16.0\n")
    folder = wheelhouse.location(HOST)
    (of_another := folder.parent / "partial-other").mkdir()
    monkeypatch.setattr("subprocess.run", lambda command, **_: Path(command[command.index("--target") + 1]).mkdir())
    assert wheelhouse.fill(HOST) == folder
    assert set(folder.parent.iterdir()) == {folder, of_another}


def test_of_two_processes_that_fill_it_at_once_both_go_on(lock, monkeypatch):
    folder = wheelhouse.location(HOST)

    def the_other_is_quicker(command, **_):
        Path(command[command.index("--target") + 1]).mkdir()
        (folder / "six").mkdir(parents=True)

    monkeypatch.setattr("subprocess.run", the_other_is_quicker)
    assert wheelhouse.fill(HOST) == folder
    assert [path.name for path in folder.iterdir()] == ["six"]


def test_a_service_may_have_a_lock_of_its_own_and_both_stay_unpacked(lock, tmp_path, monkeypatch):
    services = tmp_path / "services"
    own = services / "large" / "requirements.txt"
    own.parent.mkdir(parents=True)
    own.write_text("cffi==2.1.1\n")
    monkeypatch.setattr(wheelhouse, "SERVICES", services)
    assert wheelhouse.locks_of("small") == (lock,)
    assert wheelhouse.locks_of("large") == (lock, own)
    assert wheelhouse.all_locks() == (lock, own)
    monkeypatch.setattr(
        "subprocess.run",
        lambda command, **_kwargs: (tmp_path / command[command.index("--target") + 1]).mkdir(parents=True),
    )
    folders = [wheelhouse.fill(HOST, each) for each in wheelhouse.all_locks()]
    assert len(set(folders)) == 2
    assert all(folder.is_dir() for folder in folders)
    assert wheelhouse.unpacked(HOST, own) == folders[1]
