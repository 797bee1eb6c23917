"""Migrations that are killed in the middle of everything, and started again. `test_migration_soak` has longer ones."""

from contextlib import contextmanager
from itertools import islice

import pytest

from lambda_src.migration.content import unmarked
from tests.support.dynamodb_front import fronting
from tests.support.migration.killing import Killer, run_until_done
from tests.support.migration.scenes import NBHD_CITY, Moving
from tests.support.migration.trials import REPEATED_ROWS, killed_copy, tables_of

ROWS = 600  # what each of them becomes has some hundred items


def test_a_copy_that_was_killed_ends_in_the_same_table(moving, dynamodb_client, phases):
    repeated = killed_copy(moving, dynamodb_client, phases, rows=1_000, kills=3, kills_of_reading=1)
    assert max(repeated) <= REPEATED_ROWS


@pytest.fixture
def nbhd(nbhd_city_database, dynamodb_endpoint, make_tables, tmp_path):
    moving = Moving(NBHD_CITY, nbhd_city_database, dynamodb_endpoint, make_tables, tmp_path)
    moving.service.fill(moving.database, ROWS)
    return moving


@contextmanager
def protected(client, names):
    """Tables as cutover wants them."""
    for name in names.values():
        client.update_table(TableName=name, DeletionProtectionEnabled=True)
    yield
    for name in names.values():
        client.update_table(TableName=name, DeletionProtectionEnabled=False)


def test_delta_and_opening_that_were_killed_end_as_if_they_were_not(nbhd, dynamodb_client, phases):
    with fronting(nbhd.endpoint_url) as front:
        operator = nbhd.operator("killed", endpoint_url=front.url)
        nbhd.done(operator, "copy")
        nbhd.database.run(";".join(islice(nbhd.service.changes(ROWS, 7), 300)))
        front.spoil = killer = Killer((20, 90), operations=("PutItem", "DeleteItem"))
        run_until_done(lambda: phases.start(operator, "delta", *nbhd.service.options), killer)
        assert killer.deaths == 2

        fresh = nbhd.operator("fresh")
        nbhd.done(fresh, "copy")
        expected = tables_of(dynamodb_client, fresh)
        assert tables_of(dynamodb_client, operator) == expected

        nbhd.done(operator, "verify", "--full")
        front.spoil = killer = Killer((50, 300), operations=("UpdateItem",))
        with protected(dynamodb_client, operator.tables):
            run_until_done(
                lambda: phases.start(operator, "cutover", "--open", "--allow-rejects", *nbhd.service.options), killer
            )
        assert killer.deaths == 2
        assert tables_of(dynamodb_client, operator) == {
            name: {key: unmarked(item) for key, item in items.items()} for name, items in expected.items()
        }


def test_a_rollback_that_was_killed_leaves_nothing(nbhd, dynamodb_client, phases):
    killer = Killer((3, 15), operations=("BatchWriteItem",))
    with fronting(nbhd.endpoint_url) as front:
        operator = nbhd.operator("killed", endpoint_url=front.url)
        nbhd.done(operator, "copy")
        front.spoil = killer
        run_until_done(lambda: phases.start(operator, "rollback", *nbhd.service.options), killer)
    assert killer.deaths == 2
    assert dynamodb_client.scan(TableName=operator.tables["main"])["Items"] == []
