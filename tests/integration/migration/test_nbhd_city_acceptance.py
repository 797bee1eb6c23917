"""nbhd.city through its files, as an operator does it: the commands, their files and their exit codes."""

import json

import pytest

from lambda_src.migration.mappings.nbhd_city.mapping import nbhd_id_of
from lambda_src.services.nbhd_city.tables import MAIN
from tests.support.migration.jobs import items_of
from tests.support.migration.nbhd_city_rows import membership, neighborhood, write_export
from tests.support.migration.operator import Operator

FOO, OTHER_FOO, BAR = (nbhd_id_of(number) for number in (1, 2, 3))


@pytest.fixture
def name(make_tables):
    return make_tables([MAIN])["main"]


@pytest.fixture
def command(dynamodb_endpoint, name, tmp_path_factory):
    """`command("verify", "--in", folder)` is its exit code, and what it said to the terminal."""
    kept = tmp_path_factory.mktemp("kept")
    operator = Operator("nbhd_city", "", dynamodb_endpoint, {"main": name}, kept)

    def run(*arguments):
        done = operator.does(*map(str, arguments))
        return done.code, done.said

    return run


def three_neighborhoods(folder):
    """`Foo`, `foo` and `Bar`, with six memberships: one of a neighborhood that is gone, one twice."""
    neighborhoods = [
        neighborhood(1, "Foo", created_at="2025-01-01T12:00:00.000000Z"),
        neighborhood(2, "foo", created_at="2025-01-02T12:00:00.000000Z"),
        neighborhood(3, "Bar", created_at="2025-01-03T12:00:00.000000Z"),
    ]
    memberships = [
        membership(10, "did:plc:alice", 1, "2025-01-01T12:00:00.000000Z"),
        membership(11, "did:plc:alice", 1, "2025-01-04T12:00:00.000000Z"),
        membership(12, "did:plc:bob", 2, "2025-01-05T12:00:00.000000Z"),
        membership(13, "did:plc:bob", 3, "2025-01-05T12:00:00.000000Z"),
        membership(14, "did:plc:bob", 99, "2025-01-05T12:00:00.000000Z"),
        membership(15, "did:plc:carol", 3, "2025-01-05T12:00:00.000000Z"),
    ]
    write_export(folder, neighborhoods, memberships)
    return folder


def report(folder):
    found = json.loads((folder / "import_report.json").read_bytes())
    found["rejected"] = {kind: count for kind, count in found["rejected"].items() if count}
    return found


def test_a_dry_run_tells_everything_and_writes_to_no_table(command, tmp_path, dynamodb_client, name):
    folder = three_neighborhoods(tmp_path)
    done = command("plan", "--in", folder)
    assert done[0] == 1, done[1]
    found = report(folder)
    assert found["rejected"] == {"orphan_membership": 1, "duplicate_membership": 1, "name_collision": 1}
    assert (found["mode"], found["ok"], found["source"]) == ("dry-run", False, {"neighborhoods": 3, "memberships": 6})

    done = command("plan", "--in", folder, "--on-name-collision", "suffix")
    assert done[0] == 2, done[1]
    found = report(folder)
    assert found["rejected"] == {"orphan_membership": 1, "duplicate_membership": 1}
    assert found["renamed"] == [{"id": 2, "from": "foo", "to": "foo (2)"}]
    assert found["written"] == {"neighborhoods": 3, "memberships": 4}
    assert json.loads((folder / "id_mapping.json").read_bytes()) == {"1": FOO, "2": OTHER_FOO, "3": BAR}
    rejects = [json.loads(line) for line in (folder / "rejects.jsonl").read_text().splitlines()]
    assert [(reject["kind"], reject["row"]["id"]) for reject in rejects] == [
        ("duplicate_membership", 11),
        ("orphan_membership", 14),
    ]
    assert all(reject.keys() == {"kind", "reason", "row"} for reject in rejects)
    assert dynamodb_client.scan(TableName=name)["Items"] == []


@pytest.mark.parametrize(
    ("options", "exit_code"), [((), 1), (("--allow-rejects",), 1), (("--on-name-collision", "suffix"), 2)]
)
def test_an_import_that_somebody_must_decide_about_writes_nothing(
    command, tmp_path, dynamodb_client, name, options, exit_code
):
    done = command("copy", "--in", three_neighborhoods(tmp_path), *options)
    assert done[0] == exit_code, done[1]
    assert "Nothing was written" in done[1]
    assert dynamodb_client.scan(TableName=name)["Items"] == []
    assert report(tmp_path)["mode"] == "dry-run"


def test_what_is_imported_is_verified_and_not_imported_again(command, tmp_path, dynamodb_client, name):
    folder = three_neighborhoods(tmp_path)
    as_told = ("--on-name-collision", "suffix", "--allow-rejects")
    done = command("copy", "--in", folder, *as_told)
    assert done[0] == 0, done[1]
    assert report(folder)["written"] == {"neighborhoods": 3, "memberships": 4}
    items = items_of(dynamodb_client, name)
    assert items["NBHDNAME#foo (2)", "NAME"]["nbhd_id"] == {"S": OTHER_FOO}
    assert items[f"NBHD#{OTHER_FOO}", "METADATA"]["name"] == {"S": "foo (2)"}
    counts = {key[0]: item["member_count"]["N"] for key, item in items.items() if "member_count" in item}
    assert counts == {f"NBHD#{FOO}": "1", f"NBHD#{OTHER_FOO}": "1", f"NBHD#{BAR}": "2"}

    again = command("copy", "--in", folder, *as_told)
    assert again[0] == 0, again[1]
    assert report(folder)["already_present"] == {"neighborhoods": 3, "memberships": 4}
    assert report(folder)["written"] == {"neighborhoods": 0, "memberships": 0}
    assert items_of(dynamodb_client, name) == items

    done = command("verify", "--in", folder, "--full", "--on-name-collision", "suffix")
    assert done[0] == 0, done[1]
    found = report(folder)
    assert (found["mode"], found["ok"]) == ("verify", True)
    assert found["verify"] == {"checked": 10, "missing": [], "different": [], "extra": []}

    refused = command("copy", "--in", folder, *as_told)
    assert refused[0] == 3, refused[1]
    assert "The migration is verified" in refused[1]
    assert report(folder)["mode"] == "verify"


def test_what_was_changed_by_hand_is_listed(command, tmp_path, dynamodb_client, name):
    folder = three_neighborhoods(tmp_path)
    done = command("copy", "--in", folder, "--on-name-collision", "suffix", "--allow-rejects")
    assert done[0] == 0, done[1]
    keys = [{"PK": {"S": f"NBHD#{BAR}"}, "SK": {"S": f"MEMBER#did:plc:{who}"}} for who in ("bob", "carol", "dave")]
    bob = dynamodb_client.get_item(TableName=name, Key=keys[0])["Item"]
    dynamodb_client.put_item(TableName=name, Item={**bob, "joined_at": {"S": "2025-01-06T12:00:00.000000Z"}})
    dynamodb_client.delete_item(TableName=name, Key=keys[1])
    dynamodb_client.put_item(TableName=name, Item={**bob, **keys[2], "user_id": {"S": "did:plc:dave"}})

    done = command("verify", "--in", folder, "--on-name-collision", "suffix")
    assert done[0] == 1, done[1]
    found = report(folder)
    assert found["ok"] is False
    listed = {verdict: [entry["key"] for entry in found["verify"][verdict]] for verdict in ("different", "missing")}
    assert listed == {
        verdict: [{n: v["S"] for n, v in key.items()}] for verdict, key in zip(listed, keys, strict=False)
    }
    assert found["verify"]["different"][0]["attributes"] == {
        "joined_at": ["2025-01-06T12:00:00.000000Z", "2025-01-05T12:00:00.000000Z"]
    }
    assert found["verify"]["extra"][0]["key"]["SK"] == "MEMBER#did:plc:dave"


def test_what_somebody_changed_is_not_overwritten_by_another_import(command, tmp_path, dynamodb_client, name):
    folder = three_neighborhoods(tmp_path)
    as_told = ("--on-name-collision", "suffix", "--allow-rejects")
    assert command("copy", "--in", folder, *as_told)[0] == 0
    before = items_of(dynamodb_client, name)
    key = {"PK": {"S": f"NBHD#{BAR}"}, "SK": {"S": "METADATA"}}
    changed = {**before[f"NBHD#{BAR}", "METADATA"], "name": {"S": "Changed"}, "weight": {"N": "1.5"}}
    dynamodb_client.put_item(TableName=name, Item=changed)
    dynamodb_client.delete_item(TableName=name, Key={**key, "SK": {"S": "MEMBER#did:plc:carol"}})

    assert command("copy", "--in", folder, *as_told)[0] == 1
    found = report(folder)
    [conflict] = found["conflicts"]
    assert (conflict["stored"]["name"], conflict["stored"]["weight"], conflict["wanted"]["name"]) == (
        "Changed",
        "1.5",
        "Bar",
    )
    assert found["already_present"] == {"neighborhoods": 2, "memberships": 4}
    assert [warning["times"] for warning in found["warnings"] if warning["kind"] == "mended"] == [1]
    after = items_of(dynamodb_client, name)
    assert after == {**before, (f"NBHD#{BAR}", "METADATA"): changed}
