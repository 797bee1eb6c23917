import pytest

from cdk_app.local.deployment import INPUT_FILES, digest_of_inputs

NO_INPUT = ("cdk_app/local/supervisor.py", "cdk_app/operations/drift.py", "README.md")


@pytest.fixture
def checkout(tmp_path):
    for name in (*INPUT_FILES, "cdk_app/stacks.py", *NO_INPUT, "lambda_src/errors.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {name}")
    return tmp_path


@pytest.mark.parametrize("name", [*INPUT_FILES, "cdk_app/stacks.py", "lambda_src/errors.py"])
def test_a_change_of_what_synthesis_reads_is_deployed(checkout, name):
    before = digest_of_inputs(checkout)
    (checkout / name).write_text("changed")
    assert digest_of_inputs(checkout) != before


def test_a_new_file_of_a_service_is_deployed(checkout):
    before = digest_of_inputs(checkout)
    (checkout / "lambda_src" / "empty.py").touch()
    assert digest_of_inputs(checkout) != before


@pytest.mark.parametrize("name", NO_INPUT)
def test_a_change_of_anything_else_is_not(checkout, name):
    before = digest_of_inputs(checkout)
    (checkout / name).write_text("changed")
    (checkout / "lambda_src" / "__pycache__").mkdir()
    (checkout / "lambda_src" / "__pycache__" / "errors.cpython-313.pyc").touch()
    assert digest_of_inputs(checkout) == before
