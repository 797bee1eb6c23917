"""The engines of the integration tests and the synthesised stacks, for comparing what is declared with what is done."""

from tests.infra.conftest import _synthesised, assemblies, deployed, variants
from tests.integration.conftest import cloud, dynamodb_client, dynamodb_endpoint, make_tables

__all__ = [
    "_synthesised",
    "assemblies",
    "cloud",
    "deployed",
    "dynamodb_client",
    "dynamodb_endpoint",
    "make_tables",
    "variants",
]
