"""The environments: production is guarded, unknown names are refused."""

import dataclasses

import pytest

from cdk_app.environments import (
    DEV,
    ENVIRONMENTS,
    LOCAL,
    PROD,
    STAGING,
    Environment,
    UnknownEnvironment,
    UnsafeEnvironment,
    environment_named,
)


def test_an_unknown_environment_is_refused_with_the_names_there_are():
    with pytest.raises(UnknownEnvironment, match=r"'production'.*local, dev, staging, prod"):
        environment_named("production")


@pytest.mark.parametrize("environment", [LOCAL, DEV, STAGING, PROD], ids=lambda environment: environment.name)
def test_an_environment_is_found_by_its_name(environment):
    assert environment_named(environment.name) is environment
    assert ENVIRONMENTS[environment.name] is environment


def test_only_prod_is_production():
    assert [name for name, environment in ENVIRONMENTS.items() if environment.is_production] == ["prod"]


def test_a_name_nobody_knows_is_production_and_must_be_guarded_like_it():
    with pytest.raises(UnsafeEnvironment, match="retained and recoverable"):
        Environment(name="production-eu", frontend_url="https://eu.example")


@pytest.mark.parametrize(
    "origin", ["http://localhost:5173", "https://localhost", "https://127.0.0.1", "http://stocktrackrecord.example"]
)
def test_production_refuses_origins_of_a_laptop_and_plain_http(origin):
    with pytest.raises(UnsafeEnvironment, match="production origins"):
        dataclasses.replace(PROD, cors_extra_origins=(origin,))


@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=lambda environment: environment.name)
@pytest.mark.parametrize("origin", ["*", "https://*.example"])
def test_no_environment_takes_a_wildcard_origin(environment, origin):
    with pytest.raises(UnsafeEnvironment, match="exact"):
        dataclasses.replace(environment, frontend_url=origin)


@pytest.mark.parametrize(
    "origin", ["https://app.example/", "app.example", "https://app.example/path", "ftp://a.example"]
)
def test_an_origin_is_written_as_browsers_send_it(origin):
    with pytest.raises(UnsafeEnvironment, match="scheme, host and port"):
        dataclasses.replace(DEV, frontend_url=origin)


def test_a_table_is_named_after_its_seed_and_environment():
    assert DEV.table_name(declared_name="main", seed_name="StockTrackRecord") == "StockTrackRecord-dev"


def test_a_table_name_can_be_overridden_for_a_restore_into_a_new_table():
    restored = dataclasses.replace(DEV, table_names={"main": "StockTrackRecord-dev-restored"})
    assert restored.table_name(declared_name="main", seed_name="StockTrackRecord") == "StockTrackRecord-dev-restored"
    assert restored.table_name(declared_name="stocks", seed_name="Stocks") == "Stocks-dev"
