"""A source in use: rows are inserted, changed and deleted while they are copied."""

from tests.support.migration.trials import live_move, whole_move


def test_what_changed_during_the_copy_is_there_after_one_delta(moving, dynamodb_client):
    live_move(moving, dynamodb_client, rows=200, changes=200)


def test_no_row_is_lost_a_second_run_writes_nothing_and_a_rollback_leaves_nothing(moving, dynamodb_client):
    whole_move(moving, dynamodb_client, rows=200)
