"""What becomes of nbhd.city's rows, decided over rows in memory."""

import json
import random
from collections import Counter

import pytest

from lambda_src.dynamo.values import from_item
from lambda_src.migration.derive import derive
from lambda_src.migration.mapping import MARK
from lambda_src.migration.mappings.nbhd_city.mapping import mapping, nbhd_id_of
from lambda_src.migration.snapshot import Snapshot
from lambda_src.services.nbhd_city.neighborhoods.rules import fold_name, list_partition
from tests.support.migration.jobs import RowsInHand
from tests.support.migration.nbhd_city_rows import (
    CREATED_TEXT,
    ENGLAND,
    ORPHAN_EVERY,
    SAME_NAME_EVERY,
    awkward_memberships,
    awkward_neighborhoods,
    many_rows,
    membership,
    neighborhood,
)

AWKWARD = {"neighborhoods": list(awkward_neighborhoods()), "memberships": list(awkward_memberships())}


@pytest.fixture
def snapshot_of(tmp_path):
    """`snapshot_of(neighborhoods, memberships, list_shards=4)`: what was decided about these rows."""
    opened: list[Snapshot] = []

    def take(neighborhoods=(), memberships=(), **options):
        service = mapping(**options)
        path = tmp_path / f"{len(opened)}.sqlite"
        rows = {"neighborhoods": neighborhoods, "memberships": memberships}
        RowsInHand(service, rows).take(path)
        opened.append(Snapshot(path, service))
        return opened[-1]

    yield take
    for snapshot in opened:
        snapshot.__exit__()


def items(snapshot, **options):
    """Every item by its key, without marks."""
    derived = derive(snapshot, mapping(**options), "m")
    found = [from_item(item) for answer in derived for _, item in answer.items]
    by_key = {(item["PK"], item["SK"]): {k: v for k, v in item.items() if k != MARK} for item in found}
    assert len(by_key) == len(found), "two rows make one item"
    return by_key


def rows(snapshot, table):
    query = {
        "neighborhoods": "SELECT * FROM neighborhoods WHERE reject IS NULL",
        "memberships": "SELECT * FROM memberships WHERE reject IS NULL",
    }[table]
    return {row["id"]: row for row in snapshot.rows(query)}


def kinds(snapshot):
    return sum(snapshot.reject_counts().values(), Counter())


def names(snapshot):
    return {number: row["name"] for number, row in rows(snapshot, "neighborhoods").items()}


# ---- ids and items -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1, "bbae9ac9-c94c-5056-ba6e-6b527d027741"),
        (2, "b4281da2-c5a4-56fc-8ec1-9dcd35df7205"),
        (42, "2836f956-f0fc-5c21-a615-786ab518b430"),
    ],
)
def test_an_id_of_sql_always_becomes_the_same_uuid(number, expected):
    assert nbhd_id_of(number) == expected


def test_a_neighborhood_becomes_its_item_and_the_claim_of_its_name(snapshot_of):
    row = neighborhood(1, " Maple  Street", description="Green \n", updated_at="2025-02-01 00:00:00+00")
    members = [membership(1, "did:plc:bob", 1), membership(2, "did:plc:carol", 1)]
    found = items(snapshot_of([row], members))
    number = nbhd_id_of(1)
    assert found[f"NBHD#{number}", "METADATA"] == {
        "PK": f"NBHD#{number}",
        "SK": "METADATA",
        "id": number,
        "entity_type": "neighborhood",
        "name": "Maple Street",
        "name_lower": "maple street",
        "description": "Green",
        "created_by": "did:plc:alice",
        "created_at": CREATED_TEXT,
        "updated_at": "2025-02-01T00:00:00.000000Z",
        "member_count": 2,
        "members_rev": 2,
        "status": "active",
    }
    assert found["NBHDNAME#maple street", "NAME"] == {
        "PK": "NBHDNAME#maple street",
        "SK": "NAME",
        "item_type": "nbhd_name",
        "nbhd_id": number,
    }
    assert found[f"NBHD#{number}", "MEMBER#did:plc:bob"] == {
        "PK": f"NBHD#{number}",
        "SK": "MEMBER#did:plc:bob",
        "entity_type": "membership",
        "neighborhood_id": number,
        "user_id": "did:plc:bob",
        "joined_at": CREATED_TEXT,
    }
    assert len(found) == 4


def test_a_neighborhood_that_everybody_left_has_no_members_and_keeps_its_creator(snapshot_of):
    [metadata, _] = items(snapshot_of([neighborhood(1, "Empty")])).values()
    assert (metadata["member_count"], metadata["members_rev"], metadata["created_by"]) == (0, 0, "did:plc:alice")


def test_neighborhoods_are_spread_over_the_partitions_of_the_list(snapshot_of):
    found = items(snapshot_of([neighborhood(n, f"N{n}") for n in range(1, 40)], list_shards=4), list_shards=4)
    partitions = {item["id"]: item["entity_type"] for item in found.values() if "id" in item}
    assert partitions == {number: list_partition(number, 4) for number in partitions}
    assert len(set(partitions.values())) == 4


def test_only_accepted_members_are_counted(snapshot_of):
    members = [case.row for case in AWKWARD["memberships"]]
    snapshot = snapshot_of([neighborhood(1, "One")], members)
    kept = len(rows(snapshot, "memberships"))
    [metadata] = [item for item in items(snapshot).values() if "member_count" in item]
    assert 0 < kept < len(members)
    assert metadata["member_count"] == kept


# ---- every awkward value -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", AWKWARD["neighborhoods"], ids=lambda case: f"{case.row['id']}-{case.kind or 'kept'}")
def test_every_awkward_neighborhood_is_decided_about(snapshot_of, case):
    first = [AWKWARD["neighborhoods"][0].row] if case.kind == "duplicate_neighborhood_id" else []
    snapshot = snapshot_of([*first, case.row])
    check(snapshot, "neighborhoods", case, len(first))


@pytest.mark.parametrize("case", AWKWARD["memberships"], ids=lambda case: f"{case.row['id']}-{case.kind or 'kept'}")
def test_every_awkward_membership_is_decided_about(snapshot_of, case):
    twins = [c.row for c in AWKWARD["memberships"] if c.row["user_id"] == "did:plc:erin" and c is not case]
    others = twins if case.kind == "duplicate_membership" else []
    parents = [neighborhood(1, "One"), neighborhood(7, "")]
    check(snapshot_of(parents, [*others, case.row]), "memberships", case)


def check(snapshot, table, case, others=0):
    rejected = [r for r in snapshot.rejected() if r.table == table and r.row == case.row]
    warned = {warning["kind"] for warning in snapshot.warnings()} - {"may_have_left"}
    if case.kind:
        assert [r.kind for r in rejected] == [case.kind]
        assert rejected[0].reason
    else:
        assert not rejected
        assert warned == ({case.warning} if case.warning else set())
        row = rows(snapshot, table)[case.row["id"]]
        assert {name: row[name] for name in case.fields} == case.fields
        assert len(items(snapshot)) > others
    json.dumps([r.as_json() for r in snapshot.rejected()])


def test_a_name_is_mended_of_marks_that_nobody_sees_and_keeps_its_members(snapshot_of):
    marked = neighborhood(1, "\u202aHome\u200e of \u2068all\u2069\u202c\ufeff")
    flagged = neighborhood(2, f"{ENGLAND} \U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f \U0001fae9")
    members = [membership(n, f"did:plc:bob{n}", 1 + n % 2) for n in range(4)]

    snapshot = snapshot_of([marked, flagged], members)

    assert names(snapshot) == {1: "Home of all", 2: flagged["name"]}
    assert kinds(snapshot) == Counter()
    assert len(rows(snapshot, "memberships")) == 4
    [warning] = [each for each in snapshot.warnings() if each["kind"] != "may_have_left"]
    assert warning["kind"] == "name_mended"
    assert "'Home of all', without U+200E, U+202A, U+202C, U+2068, U+2069, U+FEFF" in str(warning["sentence"])


def test_a_name_that_is_refused_says_for_which_code_point(snapshot_of):
    for name, code in (
        ("right\u202eleft", "U+202E"),
        ("bell\a", "U+0007"),
        ("x\u0378", "U+0378"),
        ("\U000e0067", "U+E0067"),
    ):
        [refused] = snapshot_of([neighborhood(1, name)]).rejected()
        assert (refused.kind, refused.reason.endswith(code)) == ("invalid_name", True)


def test_all_awkward_rows_together_lose_none(snapshot_of):
    snapshot = snapshot_of(*([case.row for case in cases] for cases in AWKWARD.values()))
    for table, cases in AWKWARD.items():
        expected = Counter(case.kind for case in cases if case.kind)
        assert snapshot.reject_counts()[table] == expected
        assert len(rows(snapshot, table)) + expected.total() == len(cases)
    kept = {table: len(rows(snapshot, table)) for table in AWKWARD}
    assert len(items(snapshot)) == 2 * kept["neighborhoods"] + kept["memberships"]


def test_rows_of_people_who_left_long_ago_are_told_of_in_the_report(snapshot_of):
    snapshot = snapshot_of([neighborhood(1, "One")], [membership(n, f"did:plc:bob{n}", 1) for n in (1, 2, 3)])
    [warning] = snapshot.warnings()
    assert (warning["kind"], warning["times"]) == ("may_have_left", 3)
    assert "come along as members" in str(warning["sentence"])
    assert snapshot_of([neighborhood(1, "One")]).warnings() == []


def test_of_memberships_that_meet_the_earliest_stays_and_then_the_lowest_id(snapshot_of):
    same = [membership(n, "did:plc:bob", 1) for n in (5, 3, 4)]
    for order in (same, same[::-1]):
        assert list(rows(snapshot_of([neighborhood(1, "One")], order), "memberships")) == [3]
    earlier = membership(9, "did:plc:bob", 1, "2024-01-01 00:00:00+00")
    assert list(rows(snapshot_of([neighborhood(1, "One")], [*same, earlier]), "memberships")) == [9]


def test_members_of_the_same_neighborhood_given_twice_are_counted_once_for_it(snapshot_of):
    older = neighborhood(1, "Older")
    younger = neighborhood(1, "Younger", created_at="2025-06-01 00:00:00+00")
    snapshot = snapshot_of([younger, older], [membership(1, "did:plc:bob", 1)])
    assert names(snapshot) == {1: "Older"}
    assert kinds(snapshot) == {"duplicate_neighborhood_id": 1}
    assert len(rows(snapshot, "memberships")) == 1


# ---- names that fold to one ----------------------------------------------------------------------------------------


def collision():
    return [
        neighborhood(1, "foo", created_at="2025-03-01 00:00:00+00"),
        neighborhood(2, "Foo", created_at="2025-01-01 00:00:00+00"),
        neighborhood(3, "FOO", created_at="2025-02-01 00:00:00+00"),
    ]


def test_a_name_in_another_spelling_stops_everything_unless_it_may_be_changed(snapshot_of):
    snapshot = snapshot_of(collision(), [membership(1, "did:plc:bob", 3)])
    assert names(snapshot) == {2: "Foo"}
    assert kinds(snapshot) == {"name_collision": 2}
    assert mapping().undecided({"name_collision": 3}) == "3 name_collision (--on-name-collision suffix)"
    assert mapping().undecided({"orphan_membership": 3}) == ""


def test_the_oldest_keeps_its_name_and_the_others_are_numbered_by_age(snapshot_of):
    snapshot = snapshot_of(collision(), on_name_collision="suffix")
    assert names(snapshot) == {2: "Foo", 3: "FOO (2)", 1: "foo (3)"}
    assert kinds(snapshot) == {}
    changed = {number: row["renamed_from"] for number, row in rows(snapshot, "neighborhoods").items()}
    assert changed == {2: None, 3: "FOO", 1: "foo"}
    assert {warning["kind"]: warning["times"] for warning in snapshot.warnings()} == {"renamed": 2}


def test_of_equal_age_the_lower_id_keeps_its_name(snapshot_of):
    snapshot = snapshot_of([neighborhood(9, "foo"), neighborhood(8, "FOO")], on_name_collision="suffix")
    assert names(snapshot) == {8: "FOO", 9: "foo (2)"}


def test_a_numbered_name_that_somebody_has_is_left_to_them(snapshot_of):
    older = "2024-01-01 00:00:00+00"
    taken = [
        neighborhood(5, "FOO (2)", created_at="2025-09-01 00:00:00+00"),
        neighborhood(6, "\uff46\uff4f\uff4f (\uff14)"),
    ]
    snapshot = snapshot_of([*collision(), *taken, neighborhood(7, "foo (3", created_at=older)],
                           on_name_collision="suffix")  # fmt: skip
    assert names(snapshot) == {
        2: "Foo",
        3: "FOO (3)",
        1: "foo (5)",
        5: "FOO (2)",
        6: "\uff46\uff4f\uff4f (\uff14)",
        7: "foo (3",
    }


def test_a_numbered_name_collides_with_a_numbered_one(snapshot_of):
    rows_given = [neighborhood(n, name) for n, name in enumerate(("a (2)", "A (2)", "a", "A"), start=1)]
    assert names(snapshot_of(rows_given, on_name_collision="suffix")) == {
        1: "a (2)",
        2: "A (2) (2)",
        3: "a",
        4: "A (3)",
    }


def test_a_numbered_name_is_cut_to_what_a_name_may_have(snapshot_of):
    long, folds_long = "x" * 100, "\ufdfa" * 15 + "ab"  # the second has 497 bytes when folded
    assert len(fold_name(folds_long + "c" * 15).encode()) == 512
    given = [neighborhood(1, long), neighborhood(2, long.upper())]
    given += [neighborhood(n, folds_long + "c" * 14 + letter) for n, letter in ((3, "c"), (4, "C"))]
    found = names(snapshot_of(given, on_name_collision="suffix"))
    assert found[2] == "X" * 96 + " (2)"
    assert found[4] == folds_long + "c" * 11 + " (2)"


def test_cutting_leaves_no_space_before_the_number(snapshot_of):
    name = "x" * 95 + " yyyy"
    found = names(snapshot_of([neighborhood(1, name), neighborhood(2, name.upper())], on_name_collision="suffix"))
    assert found[2] == "X" * 95 + " (2)"


# ---- the same whatever the order -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_rows_changes_no_item(snapshot_of, seed):
    given = {table: list(of) for table, of in many_rows(3 * SAME_NAME_EVERY, 2000, seed=1).items()}
    for table, cases in AWKWARD.items():
        given[table] += [{**case.row, "id": 10_000 + int(case.row["id"] or 0)} for case in cases]
    options = {"on_name_collision": "suffix"}
    expected = items(snapshot_of(**given, **options), **options)
    for of in given.values():
        random.Random(seed).shuffle(of)
    assert items(snapshot_of(**given, **options), **options) == expected


def test_many_rows_hold_what_they_promise(snapshot_of):
    snapshot = snapshot_of(**many_rows(2 * SAME_NAME_EVERY, 10 * ORPHAN_EVERY))
    assert kinds(snapshot) == {"name_collision": 2, "orphan_membership": 10}


# ---- and back ------------------------------------------------------------------------------------------------------


def test_every_item_says_what_row_it_was_made_of(snapshot_of):
    snapshot = snapshot_of(*([case.row for case in cases] for cases in AWKWARD.values()))
    service = mapping()
    restored: Counter[str] = Counter()
    for item in items(snapshot).values():
        back = service.restore(service.tables[0], item)
        if back is None:
            assert item["PK"].startswith("NBHDNAME#")
            continue
        by = service.source(back.table).found_by
        [row] = (
            row for row in rows(snapshot, back.table).values() if all(row[name] == back.fields[name] for name in by)
        )
        assert {name: row[name] for name in back.fields} == back.fields
        restored[back.table] += 1
    assert restored == {table: len(rows(snapshot, table)) for table in AWKWARD}


def test_a_deleted_neighborhood_is_no_row_any_more(snapshot_of):
    [metadata, _] = items(snapshot_of([neighborhood(1, "One")])).values()
    service = mapping()
    assert service.restore(service.tables[0], {**metadata, "status": "deleting"}) is None


@pytest.mark.parametrize(
    ("partition", "sort", "is_ours"),
    [
        ("NBHD#1", "METADATA", True),
        ("NBHD#1", "MEMBER#did:plc:bob", True),
        ("NBHDNAME#maple", "NAME", True),
        ("NBHD#1", "SITE#1", False),
        ("USER#did:plc:bob", "PROFILE", False),
        ("OAUTH#1", "STATE", False),
        ("LOGIN#1", "CODE", False),
        ("MIGRATION", "STATE", False),
    ],
)
def test_profiles_and_sign_ins_are_none_of_its_business(partition, sort, is_ours):
    service = mapping()
    assert service.owns(service.tables[0], {"PK": partition, "SK": sort}) is is_ours
