import subprocess
import sys

import pytest

from cdk_app.local import setup

LOCK = """\
urllib3==2.8.0 \\
    --hash=sha256:aaaa
uv==0.13.8 \\
    --hash=sha256:bbbb \\
    --hash=sha256:cccc
uvicorn==0.54.0 \\
    --hash=sha256:dddd
"""


def test_one_package_is_cut_out_of_a_lock_with_all_its_hashes():
    assert setup.locked_requirement("uv", LOCK) == (
        "uv==0.13.8 \\\n    --hash=sha256:bbbb \\\n    --hash=sha256:cccc\n"
    )


def test_a_lock_without_the_installer_says_how_to_renew_it():
    with pytest.raises(setup.SetUpFailed, match="make lock"):
        setup.locked_requirement("uv", "urllib3==2.8.0 \\\n    --hash=sha256:aaaa\n")


def test_the_real_lock_names_the_installer():
    requirement = setup.locked_requirement("uv", setup.DEV_LOCK.read_text(encoding="utf-8"))
    assert requirement.startswith("uv==")
    assert "--hash=sha256:" in requirement


def test_a_folder_is_installed_again_only_when_its_lock_changed(tmp_path):
    lock, folder = tmp_path / "lock.txt", tmp_path / "installed"
    folder.mkdir()
    lock.write_text("a==1")
    assert not setup._is_current(folder, lock)
    setup._mark(folder, lock)
    assert setup._is_current(folder, lock)
    lock.write_text("a==2")
    assert not setup._is_current(folder, lock)


def test_a_python_that_does_not_start_is_no_candidate(tmp_path):
    shim = tmp_path / "python3.13"
    shim.write_text("#!/bin/sh\necho 'version 3.13 is not installed' >&2\nexit 1\n")
    shim.chmod(0o755)
    assert not setup._is_right_python(str(shim))
    assert not setup._is_right_python(str(tmp_path / "absent"))
    assert setup._is_right_python(sys.executable)


def test_a_machine_without_python_3_13_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr(setup, "_is_right_python", lambda _: False)
    with pytest.raises(setup.SetUpFailed, match=r"Python 3\.13 was not found.*docs\.astral\.sh/uv"):
        setup._make_virtual_environment(None)


def test_a_failing_step_ends_with_its_own_words():
    with pytest.raises(setup.SetUpFailed, match="disk full"):
        setup._run([sys.executable, "-c", "import sys; sys.exit('disk full')"])


def test_set_up_needs_nothing_but_the_standard_library():
    program = "import runpy, sys; runpy.run_path(sys.argv[1]); print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, setup.__file__],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    strange = {name.partition(".")[0] for name in done.stdout.split()} - sys.stdlib_module_names
    assert strange <= {"__main__"}


@pytest.mark.parametrize(
    ("arguments", "done"), [([], ["packages", "emulator", "node", "wheels"]), (["packages"], ["packages"])]
)
def test_python_packages_can_be_installed_alone(monkeypatch, arguments, done):
    steps = []
    monkeypatch.setattr(setup, "_is_current", lambda *_: False)
    monkeypatch.setattr(setup, "install_dev_packages", lambda: steps.append("packages"))
    monkeypatch.setattr(setup, "install_emulator", lambda: steps.append("emulator"))
    monkeypatch.setattr(setup, "install_node_packages", lambda: steps.append("node"))
    monkeypatch.setattr(setup, "_run", lambda _: steps.append("wheels"))
    assert setup.main(arguments) == 0
    assert steps == done


def test_another_word_is_refused_before_anything_is_installed(monkeypatch, capsys):
    monkeypatch.setattr(setup, "_is_current", lambda *_: pytest.fail("it looked what is due"))
    assert setup.main(["everything"]) == 1
    assert "everything is unknown" in capsys.readouterr().err
