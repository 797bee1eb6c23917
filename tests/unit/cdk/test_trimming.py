"""Trimming: what stays is what is read, and a package that changed its layout is noticed."""

import gzip
import json
import shutil
import ssl
from pathlib import Path
from typing import Any

import botocore.session
import certifi
import pytest
from botocore.config import Config
from botocore.loaders import Loader

from cdk_app.constructs import trimming
from cdk_app.constructs.trimming import UnexpectedPackage

CALLED = {"dynamodb", "sqs", "s3"}


@pytest.fixture
def site_packages(tmp_path):
    """A small copy of the layout that trimming knows."""
    for part in trimming.UNUSED_PARTS:
        write(tmp_path / part if "." in part else tmp_path / part / "file")
    write(tmp_path / "bin" / "tool")
    write(tmp_path / "boto3" / "session.py")
    write(tmp_path / "boto3" / "session.pyi")
    write(tmp_path / "certifi" / "cacert.pem", certifi.contents())
    info = tmp_path / "boto3-1.0.dist-info"
    write(info / "RECORD")
    write(info / "METADATA", "Metadata-Version: 2.4\nName: boto3\nVersion: 1.0\nKeywords: a\n\nA long description\n")
    write(info / "licenses" / "LICENSE")
    data = tmp_path / "botocore" / "data"
    write(data / "ec2" / "2016-11-15" / "service-2.json.gz")
    write(data / "_retry.json", "{}")
    write(data / "endpoints.json", json.dumps({"partitions": [{"services": {"dynamodb": {}, "ec2": {}}}]}))
    for service in CALLED:
        for version in ("2010-01-01", "2020-01-01"):
            folder = data / service / version
            write(folder / "waiters-2.json")
            shape = {"documentation": {"shape": "Text", "documentation": "<p>words</p>"}}
            description = {"documentation": "<p>words</p>", "shapes": {"Output": {"members": shape}}}
            (folder / "service-2.json.gz").write_bytes(gzip.compress(json.dumps(description).encode()))
    return tmp_path


def write(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_only_the_services_that_are_called_stay_in_their_newest_version(site_packages):
    trimming.trim(site_packages, CALLED)
    data = site_packages / "botocore" / "data"
    assert {path.name for path in data.iterdir() if path.is_dir()} == CALLED
    assert [path.name for path in (data / "dynamodb").iterdir()] == ["2020-01-01"]
    assert [path.name for path in (data / "dynamodb" / "2020-01-01").iterdir()] == ["service-2.json"]


def test_documentation_goes_but_a_member_of_that_name_stays(site_packages):
    trimming.trim(site_packages, CALLED)
    description = json.loads((site_packages / "botocore/data/sqs/2020-01-01/service-2.json").read_text())
    assert description == {"shapes": {"Output": {"members": {"documentation": {"shape": "Text"}}}}}


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("s3", "list_buckets"),
        ("acm", "list_certificates"),
        ("transcribe", "list_transcription_jobs"),
        ("sqs", "list_queues"),
        ("dynamodb", "list_tables"),
    ],
)
def test_botocore_makes_requests_from_what_is_left_of_its_data(tmp_path, service, operation):
    installed = Path(botocore.__file__).parent
    for name in (service, *trimming.BOTOCORE_SHARED_DATA):
        source, copy = installed / "data" / name, tmp_path / "botocore" / "data" / name
        if source.is_dir():
            shutil.copytree(source, copy)
        else:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
    write(tmp_path / "botocore" / "cacert.pem")
    trimming.trim(tmp_path, {service})
    session = botocore.session.Session()
    loader = Loader(extra_search_paths=[str(tmp_path / "botocore" / "data")], include_default_search_paths=False)
    session.register_component("data_loader", loader)
    client: Any = session.create_client(
        service, region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b",
        config=Config(signature_version="s3v4" if service == "s3" else None),
    )  # fmt: skip
    assert f"{service}.eu-central-1.amazonaws.com" in client.generate_presigned_url(operation)
    if service == "s3":
        assert client.generate_presigned_post("kept", "uploads/a")["fields"]["key"] == "uploads/a"


def test_endpoints_of_other_services_go(site_packages):
    trimming.trim(site_packages, CALLED)
    endpoints = json.loads((site_packages / "botocore/data/endpoints.json").read_text())
    assert endpoints["partitions"] == [{"services": {"dynamodb": {}}}]


def test_packages_still_know_their_version_and_licence(site_packages):
    trimming.trim(site_packages, CALLED)
    info = site_packages / "boto3-1.0.dist-info"
    assert (info / "METADATA").read_text() == "Metadata-Version: 2.4\nName: boto3\nVersion: 1.0\n"
    assert sorted(path.name for path in info.iterdir()) == ["METADATA", "licenses"]


def test_code_stays_and_what_only_tools_read_goes(site_packages):
    trimming.trim(site_packages, CALLED)
    assert [path.name for path in (site_packages / "boto3").iterdir()] == ["session.py"]
    assert not (site_packages / "bin").exists()


def test_a_package_with_another_layout_is_noticed(site_packages):
    (site_packages / "botocore" / "cacert.pem").unlink()
    with pytest.raises(UnexpectedPackage, match=r"botocore/cacert\.pem"):
        trimming.trim(site_packages, CALLED)


def test_amazons_roots_are_five_certificates_that_load(site_packages):
    trimming.trim(site_packages, CALLED)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(site_packages / trimming.AMAZON_ROOTS_FILE)
    subjects = [str(root["subject"]) for root in context.get_ca_certs()]
    assert len(subjects) == len(trimming.AMAZON_ROOTS)
    assert all(any(f"'{name}'" in subject for subject in subjects) for name in trimming.AMAZON_ROOTS)


def test_a_root_that_certifi_dropped_is_noticed():
    with pytest.raises(UnexpectedPackage, match="Amazon Root CA 1"):
        trimming.amazon_roots("# nothing here\n")


def test_a_lock_of_a_service_alone_is_trimmed_without_what_the_common_one_has(tmp_path):
    for name in ("cffi/api.py", "pycparser/c_parser.py", "cryptography/__init__.py", "cryptography/py.typed", "bin/x"):
        write(tmp_path / name)
    trimming.trim(tmp_path, CALLED)
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} == {
        "cryptography/__init__.py"
    }
