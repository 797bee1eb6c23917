"""The services whose data moves are known in one place, and what it says of their options is what their mappings do."""

import pytest

from cdk_app.local.layout import ROOT
from lambda_src.migration.errors import BadUsage
from lambda_src.migration.mappings.registry import MIGRATIONS, package_of

ENGINE = ROOT / "lambda_src" / "migration"


def test_the_engine_and_its_command_line_name_no_service():
    modules = [path for path in ENGINE.rglob("*.py") if ENGINE / "mappings" not in path.parents]
    assert len(modules) > 40
    named = {path.name for path in modules for package in MIGRATIONS if package in path.read_text(encoding="utf-8")}
    assert named == set()


@pytest.mark.parametrize("package", MIGRATIONS)
def test_options_that_nobody_chose_are_the_defaults_of_the_mapping(package):
    migration = MIGRATIONS[package]
    chosen = {option.name: option.default for option in migration.options}
    assert migration.mapping(chosen).variant == migration.make().variant
    assert migration.make().service == package


def test_an_option_that_two_services_have_is_one():
    options = {option for migration in MIGRATIONS.values() for option in migration.options}
    assert len({option.name for option in options}) == len({option.flag for option in options}) == len(options)


@pytest.mark.parametrize("spelling", ["nbhd_city", "nbhd-city", "NbhdCity"])
def test_a_service_is_known_by_package_and_stack_name(spelling):
    assert package_of(spelling) == "nbhd_city"


def test_an_unknown_service_is_told_with_those_that_are_known():
    with pytest.raises(BadUsage, match="stock_track_record, yoto_smart_stream, nbhd_city"):
        package_of("algebra")
