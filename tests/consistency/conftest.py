"""The engine of the integration tests, for comparing what is declared with what is really asked."""

from tests.integration.conftest import dynamodb_client, dynamodb_endpoint, make_tables

__all__ = ["dynamodb_client", "dynamodb_endpoint", "make_tables"]
