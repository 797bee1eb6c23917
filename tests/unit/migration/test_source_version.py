"""A snapshot is used again only by the code that took it."""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from lambda_src.migration.mappings.nbhd_city import mapping as nbhd_city
from lambda_src.migration.mappings.stock_track_record import mapping as stock_track_record
from lambda_src.migration.source.version import _files, mapping_version

MAPPINGS = [nbhd_city.mapping(), stock_track_record.mapping()]


@pytest.mark.parametrize("mapping", MAPPINGS, ids=lambda mapping: mapping.service)
def test_the_version_covers_every_module_that_prepares_rows_or_makes_items(mapping):
    covered = set(_files(mapping.service))
    deciding = [*(source.prepare for source in mapping.sources), *(stream.items for stream in mapping.streams)]
    functions = [each.func if isinstance(each, partial) else each for each in deciding]
    modules = {Path(str(sys.modules[function.__module__].__file__)) for function in functions}
    assert modules <= covered
    assert any(path.match(f"services/{mapping.service}/*/rules.py") for path in covered)
    assert any(path.match("migration/snapshot.py") for path in covered)


@pytest.mark.parametrize("mapping", MAPPINGS, ids=lambda mapping: mapping.service)
def test_the_version_is_the_same_for_the_same_code(mapping):
    assert mapping_version(mapping) == mapping_version(mapping)


def test_the_version_depends_on_the_options_of_the_mapping():
    mapping = nbhd_city.mapping()
    assert mapping_version(replace(mapping, variant="other")) != mapping_version(mapping)
    assert mapping_version(nbhd_city.mapping(on_name_collision="suffix")) != mapping_version(mapping)


def test_the_version_depends_on_the_service():
    first, second = (mapping_version(replace(mapping, variant="")) for mapping in MAPPINGS)
    assert first != second
