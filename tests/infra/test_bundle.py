"""The zip that Lambda gets: small, complete, for the right platform, and nothing in it that is not ours to deploy."""

import json
import re
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from cdk_app.constructs import bundling, wheelhouse
from cdk_app.constructs.wheelhouse import HOST
from cdk_app.operations.supply_chain import python_packages
from cdk_app.services.registry import NBHD_CITY, SERVICES, STOCK_TRACK_RECORD, YOTO_SMART_STREAM
from cdk_app.services.service import Service
from tests.infra.gates.promises import promises_of
from tests.support.assembly import ROOT, Assembly

ELF_MACHINE = slice(18, 20)  # https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
AARCH64 = 183
GLIBC_OF_LAMBDA = (2, 34)  # Amazon Linux 2023: https://docs.aws.amazon.com/linux/al2023/ug/compare-with-al2.html


def bundle_path(assembly: Assembly, service: Service) -> Path:
    """The zip of a service's functions, which all of them share."""
    functions = assembly.templates[f"{service.name}App"].of_type("AWS::Lambda::Function").values()
    [key] = {function["Properties"]["Code"]["S3Key"] for function in functions}
    return assembly.folder / f"asset.{key}"


@pytest.fixture(params=SERVICES, ids=lambda service: service.package)
def service(request) -> Service:
    found: Service = request.param
    return found


@pytest.fixture
def bundle(prod, service):
    with zipfile.ZipFile(bundle_path(prod, service)) as archive:
        yield archive


def test_a_bundle_is_as_small_as_it_can_be(deployed, service):
    assert bundle_path(deployed, service).stat().st_size <= promises_of(service.package)["largest_zip_bytes"]


def test_a_service_without_a_lock_of_its_own_carries_nothing_of_another_s(prod):
    with zipfile.ZipFile(bundle_path(prod, STOCK_TRACK_RECORD)) as archive:
        assert not [name for name in archive.namelist() if name.startswith(("jwt/", "cryptography/", "_cffi_backend"))]


@pytest.mark.parametrize("lock", wheelhouse.all_locks()[1:], ids=lambda lock: lock.parent.name)
def test_the_lock_of_a_service_names_only_what_the_common_one_lacks(lock):
    common, own = (python_packages.packages_of(path) for path in (wheelhouse.LOCK, lock))
    assert own
    assert common.keys().isdisjoint(own)


@pytest.mark.parametrize("lock", wheelhouse.all_locks(), ids=lambda lock: lock.parent.name)
def test_what_is_bundled_is_what_was_tested(lock):
    tested = python_packages.packages_of(wheelhouse.ROOT / "requirements-dev.txt")
    assert python_packages.packages_of(lock).items() <= tested.items()


def test_tokens_and_curves_work_in_the_bundle_that_has_them_with_nothing_else_installed(tmp_path):
    with zipfile.ZipFile(bundling.bundle_service(NBHD_CITY.bundle, HOST).path) as archive:
        archive.extractall(tmp_path)
    program = """
import sys
sys.path.insert(0, sys.argv[1])
import json
import jwt
from lambda_src.services.nbhd_city.sign_in.atproto import dpop_proof, new_key
header = jwt.get_unverified_header(dpop_proof(new_key(), url="https://as.example/token", nonce=None, now=0))
assert jwt.__file__.startswith(sys.argv[1])
print(json.dumps({"alg": header["alg"], "hmac": jwt.encode({"a": 1}, b"k" * 32, algorithm="HS256").count(".")}))
"""
    command = [sys.executable, "-I", "-S", "-c", program, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"alg": "ES256", "hmac": 2}


def test_addresses_and_passwords_are_checked_in_the_bundle_that_has_no_resolver(tmp_path):
    with zipfile.ZipFile(bundling.bundle_service(YOTO_SMART_STREAM.bundle, HOST).path) as archive:
        assert not [name for name in archive.namelist() if name.startswith("dns/")]
        archive.extractall(tmp_path)
    program = """
import sys
sys.path.insert(0, sys.argv[1])
import json
import argon2, email_validator
from lambda_src.services.yoto_smart_stream.errors import InvalidEmail
from lambda_src.services.yoto_smart_stream.names import valid_email
assert email_validator.__file__.startswith(sys.argv[1])
hasher = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
try:
    refused = valid_email("john@no domain")
except InvalidEmail as error:
    refused = error.detail
print(json.dumps([valid_email("John.M@EXAMPLE.com"), refused, hasher.verify(hasher.hash("lamps"), "lamps")]))
"""
    command = [sys.executable, "-I", "-S", "-c", program, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["John.M@example.com", "This is not an e-mail address", True]


def test_every_handler_of_the_template_is_in_the_bundle(prod, service, bundle):
    names = set(bundle.namelist())
    for function in prod.templates[f"{service.name}App"].of_type("AWS::Lambda::Function").values():
        module, _, _ = function["Properties"]["Handler"].rpartition(".")
        assert f"{module.replace('.', '/')}.py" in names


def test_the_bundle_holds_one_service_and_what_it_stands_on(service, bundle):
    ours = [name for name in bundle.namelist() if name.startswith("lambda_src/")]
    assert {name.split("/")[1] for name in ours} == {
        "__init__.py",
        "__pycache__",
        "errors.py",
        "dynamo",
        "runtime",
        "services",
        "signing.py",
    }
    services = {name.split("/")[2] for name in ours if name.startswith("lambda_src/services/")}
    assert services == {"__init__.py", "__pycache__", service.package}
    assert not [name for name in bundle.namelist() if name.startswith(("cdk_app/", "tests/"))]


def test_texts_that_a_service_shows_are_in_the_bundle_and_those_about_it_are_not(service, bundle):
    folder = ROOT / "lambda_src" / "services" / service.package
    texts = {name for name in bundle.namelist() if name.startswith("lambda_src/") and name.endswith(".md")}
    assert texts == {each.relative_to(ROOT).as_posix() for each in folder.glob("**/documents/*.md")}


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


def test_machine_code_asks_for_no_newer_c_library_than_lambda_has(bundle):
    code = b"".join(bundle.read(name) for name in bundle.namelist() if name.endswith(".so"))
    asked = {(int(major), int(minor)) for major, minor in re.findall(rb"\0GLIBC_(\d+)\.(\d+)", code)}
    assert asked
    assert max(asked) <= GLIBC_OF_LAMBDA


def test_leavings_of_the_installer_are_gone(bundle):
    last_names = {name.rpartition("/")[2] for name in bundle.namelist()}
    assert last_names.isdisjoint({"RECORD", "INSTALLER", "REQUESTED", ".lock"})
    assert not [name for name in bundle.namelist() if name.startswith("bin/")]


def test_botocore_knows_the_services_that_are_called(service, bundle):
    prefix = "botocore/data/"
    described = {n.split("/")[2] for n in bundle.namelist() if n.startswith(prefix) and n.count("/") > 2}
    assert described == {"dynamodb", "sqs", "secretsmanager"} | service.also_calls


def test_the_bundle_for_this_machine_starts_with_nothing_else_installed(assemblies, tmp_path):
    with zipfile.ZipFile(bundle_path(assemblies["local"], STOCK_TRACK_RECORD)) as archive:
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


def test_every_function_that_starts_from_a_snapshot_prepares_for_it(assembly, service):
    """It closes its connections and lets its copies draw numbers of their own."""
    for function in assembly.templates[f"{service.name}App"].of_type("AWS::Lambda::Function").values():
        if "SnapStart" in function["Properties"]:
            module = function["Properties"]["Handler"].removesuffix(".handler").replace(".", "/")
            assert "\nhandler = start_api(" in (ROOT / f"{module}.py").read_text(encoding="utf-8"), module
    starting = (ROOT / "lambda_src" / "runtime" / "api_function.py").read_text(encoding="utf-8")
    assert "\n    prepare_for_snapshot(" in starting
