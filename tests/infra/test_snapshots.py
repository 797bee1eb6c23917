"""The templates as a whole, so that a review sees every change. `make snapshots` renews them."""

import json

import pytest
from syrupy.extensions.json import JSONSnapshotExtension

from cdk_app.services.registry import SERVICES
from tests.support.assembly import scrubbed

KINDS = ("Data", "App")
STACKS = [f"{service.name}{part}" for service in SERVICES for part in KINDS]


@pytest.fixture
def json_snapshot(snapshot):
    return snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("environment", ["dev", "prod"])
@pytest.mark.parametrize("stack", STACKS)
def test_template(assemblies, json_snapshot, environment, stack):
    text = assemblies[environment].templates[stack].path.read_text()
    assert json.loads(scrubbed(text)) == json_snapshot


@pytest.mark.parametrize("stack", [f"{service.name}{part}" for service in SERVICES if service.flags for part in KINDS])
def test_template_with_flags(variants, json_snapshot, stack):
    text = variants["with-flags"].templates[stack].path.read_text()
    assert json.loads(scrubbed(text)) == json_snapshot
