"""What `tables.py` of every service declares is complete, and somebody asks it."""

import re

import pytest

from tests.support.services import module_of, public_methods, repository_classes, service_names

pytestmark = pytest.mark.parametrize("service", service_names())

SUPPORT = "support"  # in every service: a person, or a program, no function
# A figure, or where it stands: a method whose cost is that of the one pattern it runs need not repeat it.
COST = re.compile(r"request|Query|1 UpdateItem")


def test_a_table_is_complete(service):
    """Names are unique, and every index serves a pattern."""
    for table in module_of(service, "tables").TABLES:
        table.check()


def test_every_pattern_is_asked_by_somebody_the_service_knows(service):
    tables = module_of(service, "tables")
    known = {value for name, value in vars(tables).items() if name.isupper() and isinstance(value, str)}
    for table in tables.TABLES:
        for pattern in table.patterns:
            assert pattern.asked_by, pattern.name
            assert pattern.asked_by <= known, pattern.name


def test_what_support_asks_is_asked_by_no_function(service):
    for table in module_of(service, "tables").TABLES:
        for pattern in table.patterns:
            assert SUPPORT not in pattern.asked_by or pattern.asked_by == {SUPPORT}, pattern.name


def test_every_kind_of_item_is_written_or_read_by_a_pattern(service):
    for table in module_of(service, "tables").TABLES:
        met = {entity for pattern in table.patterns for entity in (*pattern.reads, *pattern.writes)}
        assert {entity.name for entity in table.entities if entity not in met} == set()


def test_every_method_tells_its_cost(service):
    for cls in repository_classes(service):
        for name, method in public_methods(cls).items():
            assert COST.search(method.__doc__ or ""), f"{cls.__name__}.{name}"


def test_every_pattern_tells_its_cost(service):
    for table in module_of(service, "tables").TABLES:
        for pattern in table.patterns:
            assert COST.search(pattern.cost), pattern.name
