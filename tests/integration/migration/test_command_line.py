"""What an operator gets wrong, before anybody is asked: exit codes and words."""

from dataclasses import replace

import pytest

from lambda_src.dynamo.calls import RetryingClient
from tests.support.migration.operator import Operator


@pytest.fixture
def nowhere(tmp_path):
    """Of nbhd.city, without a database or tables: for what is noticed before anybody is asked."""
    return Operator("nbhd_city", "postgresql://reader:s3cret@127.0.0.1:1/none", "http://127.0.0.1:1", {}, tmp_path)


@pytest.mark.parametrize(
    ("options", "variables", "said"),
    [
        ((), {"DATABASE_URL": None}, "DATABASE_URL is not set"),
        ((), {"DATABASE_URL": "no address"}, "is no database URL"),
        ((), {"DATABASE_URL": "mysql://user:secret@127.0.0.1/database"}, "came from postgresql"),
        (("--table=nothing=name",), {}, "the names are main"),
        (("--workers=0",), {}, "greater than or equal to 1"),
        (("--on-name-collision=guess",), {}, "'guess' is not one of"),
        (("--requeue",), {}, "--requeue is an option of stock_track_record"),
        (("--write-units=1",), {}, "greater than or equal to 25"),
        ((), {"ENVIRONMENT": "production"}, "production is no environment; known are dev, local, staging, prod"),
        ((), {"DYNAMODB_ENDPOINT_URL": None, "AWS_REGION": None, "AWS_DEFAULT_REGION": None}, "AWS_REGION is not set"),
    ],
)
def test_what_is_missing_or_wrong_on_the_command_line_ends_with_2(nowhere, options, variables, said):
    done = nowhere.does("plan", *options, **variables)
    assert (done.code, said in done.said) == (2, True), done.said
    assert "secret" not in done.said


def test_what_only_another_service_has_is_refused_when_it_is_typed_and_not_when_a_variable_says_it(nowhere):
    other = replace(nowhere, service="stock_track_record", url="mysql://reader:s3cret@127.0.0.1:1/none")
    typed = other.does("plan", "--list-shards=3")
    assert (typed.code, "--list-shards is an option of nbhd_city" in typed.said) == (2, True), typed.said
    assert "cannot connect to mysql" in other.does("plan", NBHD_LIST_SHARDS="3").said


def test_a_service_that_is_none_ends_with_2(nowhere):
    done = replace(nowhere, service="algebra").does("check")
    assert (done.code, "known are stock_track_record, yoto_smart_stream, nbhd_city" in done.said) == (2, True)


def test_a_source_that_does_not_answer_ends_with_1(nowhere):
    done = nowhere.does("plan")
    assert (done.code, "cannot connect to postgresql at 127.0.0.1:1" in done.report) == (1, True)
    assert "s3cret" not in done.said + done.report


def test_a_folder_that_cannot_be_written_to_ends_with_1(nowhere):
    file = nowhere.folder / "file"
    file.touch()
    careless = replace(nowhere, folder=file)
    done = careless.runs(*careless.command("plan"))
    assert (done.code, "This machine: " in done.said) == (1, True)


def test_a_table_that_is_not_there_ends_with_1_and_the_command_that_names_it(nowhere, dynamodb_endpoint):
    careful = replace(nowhere, endpoint_url=dynamodb_endpoint, tables={"main": "nobody-made-this"})
    done = careful.does("rollback")
    assert (done.code, "`init` says which table" in done.said) == (1, True), done.said
    assert "nobody-made-this is there" in careful.does("init").report


def test_a_target_that_does_not_answer_ends_with_1(nowhere, monkeypatch):
    monkeypatch.setattr(RetryingClient, "pause", lambda *_: None)
    done = nowhere.does("init")
    assert (done.code, "DynamoDB:" in done.report) == (1, True)


def test_an_entity_that_is_none_and_a_full_comparison_of_some_end_with_2(nowhere):
    unknown = nowhere.does("copy", "--only=people")
    assert (unknown.code, "known are neighborhoods, memberships" in unknown.said) == (2, True)
    assert nowhere.does("verify", "--full", "--only=memberships").code == 2


def test_a_service_that_had_one_layout_only_has_none_to_upgrade(nowhere):
    done = nowhere.does("upgrade-layout")
    assert (done.code, "upgrade-layout is a phase of stock_track_record" in done.said) == (2, True)
