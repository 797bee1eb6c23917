"""The templates as a whole, so that a review sees every change. `make snapshots` renews them."""

import json
import re

import pytest
from syrupy.extensions.json import JSONSnapshotExtension

ASSET = re.compile(r"[0-9a-f]{64}")
VERSION = re.compile(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}")


@pytest.fixture
def json_snapshot(snapshot):
    return snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("environment", ["dev", "prod"])
@pytest.mark.parametrize("stack", ["StockTrackRecordData", "StockTrackRecordApp"])
def test_template(assemblies, json_snapshot, environment, stack):
    text = assemblies[environment].templates[stack].path.read_text()
    scrubbed = VERSION.sub(r"\1-version", ASSET.sub("asset", text))
    assert json.loads(scrubbed) == json_snapshot
