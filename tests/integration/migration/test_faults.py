"""Requests that fail, batches that come back in part and connections that break change nothing of the result."""

from typing import get_args

import pytest

from lambda_src.dynamo.boto3_client import make_client
from lambda_src.migration.mappings.nbhd_city.mapping import mapping
from lambda_src.migration.phases.copy import copy
from lambda_src.migration.phases.delta import delta
from lambda_src.services.nbhd_city.tables import MAIN
from tests.support.botocore_faults import lose_next_answer
from tests.support.dynamodb_front import NamedFault
from tests.support.migration.jobs import RowsInHand, job
from tests.support.migration.nbhd_city_rows import neighborhood
from tests.support.migration.trials import rough_move


def test_faults_on_both_sides_change_nothing_of_the_result(moving, dynamodb_client):
    spoiled = rough_move(moving, dynamodb_client, rows=300, every=5, cuts=[100_000])
    assert set(spoiled) == set(get_args(NamedFault.__value__))


@pytest.mark.parametrize("operation", ["PutItem", "DeleteItem"])
def test_a_repair_whose_answer_was_lost_is_no_conflict(dynamodb_endpoint, make_tables, tmp_path, operation):
    rows = {"neighborhoods": [neighborhood(n, f"Place {n}") for n in (1, 2, 3)]}
    source = RowsInHand(mapping(), rows)
    client = make_client(region="us-east-1", endpoint_url=dynamodb_endpoint, read_timeout_seconds=30)
    move = job(source, client, make_tables([MAIN]), tmp_path, workers=1)
    copy(move)
    rows["neighborhoods"][0] = neighborhood(1, "Place 1", description="Another")
    del rows["neighborhoods"][2]
    lost: list[list[object]] = []

    def lose_first_repair(**_):
        if not lost:
            lost.append(lose_next_answer(client, operation))

    client.meta.events.register("after-call.dynamodb.Scan", lose_first_repair)  # behind the puts of the state
    repairs = delta(move)[1]
    client.close()
    assert len(lost[0]) == 1
    assert (repairs.put, repairs.deleted, repairs.conflicts) == (1, 2, [])
