"""What `tables.py` declares is what the repositories do, name by name."""

from collections import Counter
from collections.abc import Iterable, Mapping

import pytest

from lambda_src.dynamo.schema import AccessPattern, Table
from tests.support.services import module_of, public_methods, repository_classes, service_names

pytestmark = pytest.mark.parametrize("service", service_names())


def patterns_of(tables: Iterable[Table]) -> Counter[str]:
    return Counter(pattern.name for table in tables for pattern in table.patterns)


def methods_of(service: str) -> Counter[str]:
    return Counter(name for cls in repository_classes(service) for name in public_methods(cls))


def test_every_access_pattern_is_one_method_of_a_repository_and_the_other_way_round(service):
    declared = patterns_of(module_of(service, "tables").TABLES)
    written = methods_of(service)

    assert declared == written
    assert set(declared.values()) == {1}


def test_every_method_tells_its_cost(service):
    for cls in repository_classes(service):
        for name, method in public_methods(cls).items():
            text = method.__doc__ or ""
            assert "request" in text or "Query" in text, f"{cls.__name__}.{name}"


def test_every_index_serves_a_pattern(service):
    for table in module_of(service, "tables").TABLES:
        asked = {pattern.index for pattern in table.patterns}
        assert asked.issuperset(table.indexes)


def test_every_pattern_is_somebodys_and_nobody_has_a_pattern_of_another_table(service):
    tables = module_of(service, "tables")
    groups: list[Mapping[Table, tuple[AccessPattern, ...]]] = [
        tables.API_PATTERNS,
        tables.WORKER_PATTERNS,
        tables.SUPPORT_PATTERNS,
    ]
    for table in tables.TABLES:
        granted = {pattern.name for group in groups for pattern in group.get(table, ())}
        assert granted == {pattern.name for pattern in table.patterns}


def test_nobody_is_granted_a_pattern_twice(service):
    tables = module_of(service, "tables")
    for group in (tables.API_PATTERNS, tables.WORKER_PATTERNS, tables.SUPPORT_PATTERNS):
        for patterns in group.values():
            assert len(set(patterns)) == len(patterns)


def test_what_only_support_asks_is_granted_to_no_function(service):
    tables = module_of(service, "tables")
    support = {pattern for patterns in tables.SUPPORT_PATTERNS.values() for pattern in patterns}
    for group in (tables.API_PATTERNS, tables.WORKER_PATTERNS):
        assert support.isdisjoint(pattern for patterns in group.values() for pattern in patterns)
