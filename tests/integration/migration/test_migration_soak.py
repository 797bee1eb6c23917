"""The migration with a hundred thousand rows, under everything that `make test` shows with few."""

from typing import get_args

import pytest

from lambda_src.dynamo.boto3_client import make_client
from tests.support.dynamodb_front import NamedFault
from tests.support.migration.trials import REPEATED_ROWS, killed_copy, live_move, rough_move, whole_move

pytestmark = pytest.mark.soak

ROWS = 100_000


@pytest.fixture
def dynamodb_endpoint(large_engine):
    """An engine of each test alone: several hundred thousand items do not fit into the one that all share."""
    return large_engine


@pytest.fixture
def dynamodb_client(dynamodb_endpoint):
    client = make_client(region="us-east-1", endpoint_url=dynamodb_endpoint, read_timeout_seconds=120)
    yield client
    client.close()


def test_a_large_copy_killed_twenty_times_ends_in_the_same_table(moving, dynamodb_client, phases):
    repeated = killed_copy(moving, dynamodb_client, phases, rows=ROWS, kills=18, kills_of_reading=2)
    assert max(repeated) <= REPEATED_ROWS


def test_one_fault_in_a_hundred_changes_nothing_of_a_large_move(moving, dynamodb_client):
    spoiled = rough_move(moving, dynamodb_client, rows=ROWS, every=100, cuts=[100_000, 2_000_000])
    assert set(spoiled) == set(get_args(NamedFault.__value__))


def test_ten_thousand_changes_during_a_large_copy_are_there_after_one_delta(moving, dynamodb_client):
    live_move(moving, dynamodb_client, rows=ROWS, changes=10_000)


def test_no_row_of_many_is_lost(moving, dynamodb_client):
    whole_move(moving, dynamodb_client, rows=ROWS)
