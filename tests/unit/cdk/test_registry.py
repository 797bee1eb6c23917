"""The registry is cheap to load, and what it refers to is there."""

import subprocess
import sys
from dataclasses import fields
from pkgutil import resolve_name

import pytest

from cdk_app.local.layout import ROOT
from cdk_app.services.registry import SERVICES
from cdk_app.services.service import Service

REFERENCES = [field.name for field in fields(Service) if "Reference" in str(field.type)]


def loaded(*modules: str) -> set[str]:
    """The top-level packages in memory after some imports."""
    program = f"import sys, {', '.join(modules)}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.package)
def test_every_reference_leads_to_something_in_the_folder_of_the_service(service: Service):
    assert REFERENCES
    given = [getattr(service, name) for name in REFERENCES] + [each.application for each in service.stand_ins]
    for reference in filter(None, given):
        assert reference.startswith(f"cdk_app.services.{service.package}."), reference
        assert resolve_name(reference) is not None


def test_the_registry_loads_no_library_that_is_slow():
    assert not loaded("cdk_app.services.registry") & {"aws_cdk", "boto3", "botocore", "httpx", "pydantic", "starlette"}


def test_the_runner_does_without_the_cdk_library():
    """It takes 4 s, and a Node process that stays for as long as ours."""
    assert "aws_cdk" not in loaded("cdk_app.local.__main__")
