"""The software bills of materials of our own locks."""

import json

import pytest

from cdk_app.operations.supply_chain import sbom
from cdk_app.operations.supply_chain.answer import CouldNotLook

BUNDLE = "lambda_src/requirements.txt"


def test_a_bill_names_all_that_its_lock_names(tmp_path):
    written = dict(sbom.write(tmp_path, python_locks=[BUNDLE]))
    bundle, node = (json.loads(path.read_text()) for path in written)
    assert [path.name for path in written] == ["lambda_src-requirements.cdx.json", "package-lock.cdx.json"]
    assert [bill["bomFormat"] for bill in (bundle, node)] == ["CycloneDX", "CycloneDX"]
    names = {component["name"] for component in bundle["components"]}
    assert {"boto3", "fastapi", "pydantic"} <= names
    assert "pytest" not in names, "what runs in Lambda, and nothing else"
    assert "pkg:npm/aws-cdk@" in json.dumps(node["components"])
    assert all(component["purl"] for bill in (bundle, node) for component in bill["components"])


def test_a_bill_that_lacks_a_package_is_not_written(tmp_path):
    bill = {"components": [{"name": "six", "version": "1.17.0"}]}
    with pytest.raises(CouldNotLook, match="the bill of lock lacks boto3==1"):
        sbom._store(tmp_path, "lock", bill, {"six==1.17.0", "boto3==1"})
    assert list(tmp_path.iterdir()) == []
