"""The phases of a migration on a real engine, from rows in memory."""

import pytest

from lambda_src.dynamo import batches as batches_of_the_store
from lambda_src.migration.content import is_untouched
from lambda_src.migration.errors import MigrationError, Refused
from lambda_src.migration.mappings.nbhd_city import mapping as nbhd_city
from lambda_src.migration.mappings.stock_track_record import mapping as stock_track_record
from lambda_src.migration.phases.copy import copy
from lambda_src.migration.phases.cutover import checklist, open_api
from lambda_src.migration.phases.deciding import refuse_other_options
from lambda_src.migration.phases.delta import delta
from lambda_src.migration.phases.rollback import rollback
from lambda_src.migration.phases.verify import verify
from lambda_src.migration.target.place import migration_id
from lambda_src.services.nbhd_city.tables import MAIN
from lambda_src.services.stock_track_record import tables as stock_track_record_tables
from tests.support.migration.jobs import RowsInHand, items_of, job
from tests.support.migration.ready import ready
from tests.support.migration.small_town import membership, neighborhood
from tests.support.migration.stock_track_record_rows import channel_row

OURS = migration_id("nbhd_city")


def changed(client, name, key, attribute, text):
    client.update_item(
        TableName=name,
        Key={"PK": {"S": key[0]}, "SK": {"S": key[1]}},
        UpdateExpression="SET #name = :value",
        ExpressionAttributeNames={"#name": attribute},
        ExpressionAttributeValues={":value": {"S": text}},
    )


def test_what_is_copied_is_verified_in_both_directions(start, client, names):
    copied = copy(start())
    assert (copied.state.status, copied.items) == ("copied", 30 * 2 + 300)
    assert copied.rows == {"neighborhoods": 30, "memberships": 300}
    found = verify(start(), full=True)
    assert found.is_equal
    assert found.restored == {"neighborhoods": 30, "memberships": 300}
    assert found.state.status == "verified"
    assert all(is_untouched(item, OURS) for item in items_of(client, names["main"]).values())


def test_a_second_copy_writes_nothing(start, client, names):
    copy(start())
    before = items_of(client, names["main"])
    again = copy(start())
    assert again.repairs is not None
    assert (again.items, again.repairs.deleted, again.repairs.conflicts) == (0, 0, [])
    assert items_of(client, names["main"]) == before


def test_a_table_with_items_of_somebody_else_is_not_written_to(start, client, names):
    client.put_item(TableName=names["main"], Item={"PK": {"S": "NBHD#1"}, "SK": {"S": "METADATA"}})
    with pytest.raises(Refused, match="not empty"):
        copy(start())
    assert len(items_of(client, names["main"])) == 1


def test_nothing_is_written_before_names_that_collide_are_settled(start, source, client, names):
    source.rows["neighborhoods"].append(neighborhood(31, "PLACE 1", minute=50))
    with pytest.raises(MigrationError, match="name_collision"):
        copy(start())
    assert items_of(client, names["main"]) == {}


def test_delta_removes_no_neighborhood_whose_name_became_that_of_another(start, source, client, names):
    copy(start())
    before = items_of(client, names["main"])
    source.rows["neighborhoods"][4]["name"] = "PLACE 1"
    with pytest.raises(MigrationError, match="name_collision"):
        delta(start())
    assert items_of(client, names["main"]) == before


def test_a_copy_of_a_complete_migration_reads_the_source_anew(start, source):
    copy(start())
    source.rows["memberships"].append(membership(999, "late", of=3))
    assert copy(start()).items == 2  # the membership, and the count of its neighborhood
    assert verify(start()).is_equal


def test_delta_ends_in_the_table_that_a_new_copy_gives(start, source, client, names, make_tables, tmp_path):
    copy(start())
    rows = source.rows
    rows["neighborhoods"][0] = neighborhood(1, "Renamed", minute=1)
    rows["memberships"] = [*rows["memberships"][10:], membership(400, "new", of=2)]
    state, repairs, _ = delta(start())
    assert repairs.conflicts == []
    assert repairs.deleted == 10 + 1  # those who went, and the sentinel of the old name
    assert (
        repairs.put == 2 + 9 + 1
    )  # the renamed one and its sentinel, nine counts (the tenth got another), the newcomer
    assert verify(start(), full=True).is_equal
    assert state.status == "copied"
    elsewhere = make_tables([MAIN])
    copy(job(source, client, elsewhere, tmp_path / "elsewhere"))
    assert items_of(client, names["main"]) == items_of(client, elsewhere["main"])


def test_delta_leaves_alone_what_somebody_changed(start, source, client, names):
    copy(start())
    key = next(key for key in items_of(client, names["main"]) if key[1] == "METADATA")
    changed(client, names["main"], key, "description", "By hand")
    repairs = delta(start()).repairs
    [conflict] = repairs.conflicts
    assert conflict.stored
    assert conflict.wanted
    assert (conflict.key["PK"], conflict.stored["description"], conflict.wanted["description"]) == (
        key[0], "By hand", "A place",
    )  # fmt: skip
    assert items_of(client, names["main"])[key]["description"] == {"S": "By hand"}


def test_verify_names_what_is_missing_different_and_extra(start, client, names):
    copy(start())
    name = names["main"]
    lost, bent, *_ = sorted(key for key in items_of(client, name) if key[1].startswith("MEMBER#"))
    client.delete_item(TableName=name, Key={"PK": {"S": lost[0]}, "SK": {"S": lost[1]}})
    changed(client, name, bent, "joined_at", "2001-01-01T00:00:00.000000Z")
    client.put_item(TableName=name, Item={"PK": {"S": lost[0]}, "SK": {"S": "MEMBER#did:plc:stranger"}})
    found = verify(start())
    assert not found.is_equal
    assert found.counts == {"missing": 1, "different": 1, "extra": 1}
    by_verdict = {difference.verdict: difference for difference in found.differences}
    assert tuple(by_verdict["missing"].key.values()) == lost
    assert tuple(by_verdict["extra"].key.values()) == (lost[0], "MEMBER#did:plc:stranger")
    assert list(by_verdict["different"].attributes) == ["joined_at"]
    assert found.state.status == "copied"


def test_verify_counts_rows_and_not_their_items(start, client, names):
    copy(start())
    both = ((f"NBHD#{nbhd_city.nbhd_id_of(1)}", "METADATA"), ("NBHDNAME#place 1", "NAME"))
    for partition, sort in both:
        client.delete_item(TableName=names["main"], Key={"PK": {"S": partition}, "SK": {"S": sort}})
    found = verify(start())
    assert (found.counts["missing"], found.wrong) == (2, {"neighborhoods": 1})


def test_rollback_removes_what_the_migration_wrote_and_nothing_else(start, client, names):
    copy(start())
    other = {"PK": {"S": "USER#did:plc:alice"}, "SK": {"S": "PROFILE"}}
    client.put_item(TableName=names["main"], Item=other)
    done = rollback(start(), sleep=lambda _: None)
    assert (done.removed, done.kept) == (360, 0)
    assert items_of(client, names["main"]) == {("USER#did:plc:alice", "PROFILE"): other}
    assert copy(start()).items == 360


def test_rollback_keeps_what_somebody_changed_and_says_so(start, client, names):
    copy(start())
    key = next(key for key in items_of(client, names["main"]) if key[1] == "METADATA")
    changed(client, names["main"], key, "extra", "By hand")
    done = rollback(start(), sleep=lambda _: None)
    assert (done.removed, done.kept) == (359, 1)
    assert list(items_of(client, names["main"])) == [key]


def test_opening_needs_a_verified_migration_of_a_source_that_stands_still(source, client, names, tmp_path):
    def start():
        return job(source, ready(client), names, tmp_path)

    copy(start())
    assert not checklist(start()).is_go
    with pytest.raises(Refused, match="compared"):
        open_api(start())
    verify(start())
    assert checklist(start()).is_go
    source.rows["memberships"].append(membership(999, "late", of=3))
    with pytest.raises(Refused, match="stands still"):
        open_api(start())
    delta(start())
    verify(start())
    assert open_api(start()) == 361
    assert not any("migration" in item for item in items_of(client, names["main"]).values())
    for phase in (copy, delta, verify, rollback):
        with pytest.raises(Refused):
            phase(start())


# ---- what is killed or mistaken ---------------------------------------------------------------------------------


class Interrupted(BaseException):
    """As if the process had ended."""


@pytest.fixture
def interrupted_after(monkeypatch):
    """`interrupted_after(3)`: the fourth batch of deletions never comes."""

    def arrange(batches):
        left = iter(range(batches))

        def write_all(*arguments, **options):
            if next(left, None) is None:
                raise Interrupted
            return batches_of_the_store.write_all(*arguments, **options)

        monkeypatch.setattr("lambda_src.migration.target.marks.write_all", write_all)

    return arrange


def test_a_rollback_that_was_interrupted_lets_nothing_happen_but_itself(
    start, source, client, names, interrupted_after, tmp_path
):
    copy(start())
    assert verify(start()).state.status == "verified"
    interrupted_after(3)
    with pytest.raises(Interrupted):
        rollback(start(), sleep=lambda _: None)
    interrupted_after(1_000)
    assert 0 < len(items_of(client, names["main"])) < 360
    for phase in (copy, delta, verify):
        with pytest.raises(Refused, match="rollback"):
            phase(start())
    assert not checklist(job(source, ready(client), names, tmp_path)).is_go
    rollback(start(), sleep=lambda _: None)
    assert items_of(client, names["main"]) == {}
    assert start().journal.read() is None


def test_a_rollback_finds_marked_items_whose_state_is_gone(start, client, names):
    copy(start())
    (journal := start().journal).begin(journal.read())
    journal.forget()
    assert rollback(start(), sleep=lambda _: None).removed == 360
    with pytest.raises(Refused, match="nothing to roll back"):
        rollback(start(), sleep=lambda _: None)


@pytest.mark.parametrize("options", [{"requeue": True}, {}])
def test_a_rollback_removes_what_was_written_with_options_that_it_was_not_given(client, make_tables, tmp_path, options):
    names = make_tables(stock_track_record_tables.TABLES)
    rows = {"channels": [channel_row(1, status="processing")]}
    written_with, given = stock_track_record.mapping(requeue=True), stock_track_record.mapping(**options)
    copy(job(RowsInHand(written_with, rows), client, names, tmp_path))
    assert any(key[0] == "ACTIVE" for key in items_of(client, names["main"]))
    rollback(job(RowsInHand(given, rows), client, names, tmp_path), sleep=lambda _: None)
    assert items_of(client, names["main"]) == {}


def test_an_empty_source_does_not_empty_the_tables_unless_told_so(start, source, client, names):
    copy(start())
    verify(start())
    before = items_of(client, names["main"])
    source.rows = {"neighborhoods": [], "memberships": []}
    for phase in (delta, copy):
        with pytest.raises(Refused, match="360 of 360 items would be deleted"):
            phase(start())
    assert items_of(client, names["main"]) == before
    assert start().journal.read().status == "copied"  # what was verified is not what the source says
    assert delta(start(), allow_deletions=True)[1].deleted == 360


def test_other_options_than_those_of_the_copy_are_refused(source, client, names, tmp_path):
    source.rows["neighborhoods"].append(neighborhood(31, "PLACE 1", minute=50))

    def start(on_name_collision):
        source.mapping = nbhd_city.mapping(on_name_collision=on_name_collision)
        return job(source, client, names, tmp_path)

    copy(start("suffix"))
    refuse_other_options(start("suffix"))
    with pytest.raises(Refused, match=r"on_name_collision=suffix.*on_name_collision=fail"):
        refuse_other_options(start("fail"))
    with pytest.raises(MigrationError, match="name_collision"):
        delta(start("fail"))  # as the command does with --change-options
    source.rows["neighborhoods"].pop()
    delta(start("fail"))
    refuse_other_options(start("fail"))


def test_an_item_of_somebody_else_that_looks_like_ours_is_named_and_not_stumbled_over(start, client, names):
    copy(start())
    client.put_item(TableName=names["main"], Item={"PK": {"S": "NBHD#x"}, "SK": {"S": "MEMBER#y"}})
    found = verify(start(), full=True)
    assert found.counts["extra"] == 1
    assert any("NBHD#x / MEMBER#y" in line for line in found.unlike)
