"""The zip that Lambda gets: small, complete, for the right platform, and nothing in it that is not ours to deploy."""

import json
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.assembly import Assembly

LARGEST_ZIP_BYTES = 11_000_000
ELF_MACHINE = slice(18, 20)  # https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
AARCH64 = 183
SERVICE = "lambda_src/services/stock_track_record/"


def bundle_path(assembly: Assembly) -> Path:
    [archive] = assembly.folder.glob("asset.*.zip")
    return archive


@pytest.fixture
def bundle(prod):
    with zipfile.ZipFile(bundle_path(prod)) as archive:
        yield archive


def test_the_bundle_is_at_most_eleven_megabytes(deployed):
    assert bundle_path(deployed).stat().st_size <= LARGEST_ZIP_BYTES


def test_every_handler_of_the_template_is_in_the_bundle(prod, bundle):
    names = set(bundle.namelist())
    for function in prod.app.of_type("AWS::Lambda::Function").values():
        module, _, _ = function["Properties"]["Handler"].rpartition(".")
        assert f"{module.replace('.', '/')}.py" in names


def test_the_bundle_holds_one_service_and_what_it_stands_on(bundle):
    ours = [name for name in bundle.namelist() if name.startswith("lambda_src/")]
    assert {name.split("/")[1] for name in ours} == {
        "__init__.py",
        "__pycache__",
        "errors.py",
        "dynamo",
        "runtime",
        "services",
    }
    services = {name.split("/")[2] for name in ours if name.startswith("lambda_src/services/")}
    assert services == {"__init__.py", "__pycache__", "stock_track_record"}
    assert not [name for name in bundle.namelist() if name.startswith(("cdk_app/", "tests/"))]


def test_all_code_is_compiled(bundle):
    names = set(bundle.namelist())
    for name in names:
        folder, _, file = name.rpartition("/")
        if file.endswith(".py"):
            compiled = f"{file.removesuffix('.py')}.cpython-313.pyc"
            assert f"{folder}/__pycache__/{compiled}".removeprefix("/") in names, name


def test_machine_code_is_for_lambda(bundle):
    libraries = [name for name in bundle.namelist() if name.endswith(".so")]
    assert libraries
    for name in libraries:
        assert struct.unpack("<H", bundle.read(name)[ELF_MACHINE]) == (AARCH64,), name


def test_leavings_of_the_installer_are_gone(bundle):
    last_names = {name.rpartition("/")[2] for name in bundle.namelist()}
    assert last_names.isdisjoint({"RECORD", "INSTALLER", "REQUESTED", ".lock"})
    assert not [name for name in bundle.namelist() if name.startswith("bin/")]


def test_botocore_knows_three_services(bundle):
    prefix = "botocore/data/"
    described = {n.split("/")[2] for n in bundle.namelist() if n.startswith(prefix) and n.count("/") > 2}
    assert described == {"dynamodb", "sqs", "secretsmanager"}


def test_the_bundle_for_this_machine_starts_with_nothing_else_installed(assemblies, tmp_path):
    with zipfile.ZipFile(bundle_path(assemblies["local"])) as archive:
        archive.extractall(tmp_path)
    program = """
import sys
sys.path.insert(0, sys.argv[1])
import boto3, fastapi, httpx, mangum, pydantic
from aws_lambda_powertools.utilities import parameters
from importlib.metadata import version
import json
for service in ("dynamodb", "sqs", "secretsmanager"):
    boto3.client(service, region_name="us-east-1", aws_access_key_id="-", aws_secret_access_key="-")
foreign = [m.__file__ for m in (boto3, fastapi, httpx, mangum) if not m.__file__.startswith(sys.argv[1])]
print(json.dumps({"versions": [version("boto3"), version("fastapi")], "foreign": foreign}))
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["foreign"] == []
    assert all(answer["versions"])
