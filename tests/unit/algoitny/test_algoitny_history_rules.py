"""Where public runs stand, what counts of an output, and which ids and languages there are."""

import pytest

from lambda_src.errors import InvalidInput
from lambda_src.services.algoitny.histories import rules
from lambda_src.services.algoitny.histories.rules import Output, Spread, compared, runnable_language, verdict
from lambda_src.services.algoitny.models.histories import TestResult
from lambda_src.services.algoitny.models.problems import TestCase


def case(output: str, name: str = "000001", **more: object) -> TestCase:
    given = {"platform": "baekjoon", "problem_id": "1000", "created_at": 0, "updated_at": 0}
    return TestCase(sort_id=name, output=output, **given | more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("history_id", "shard"),
    [
        ("01K71V2JG0A1B2C3D4E5F6G7H8", 0), ("01K71V2KF8Q2W3E4R5T6Y7V8P9", 5), ("01K71V2MEGZ9X8C7V6B5N4M3K2", 5),
        ("01K71V2MEGM1N2B3V4C5X6Z7A8", 0), ("01K71V2NXCG5H6J7K8M9N0P1Q2", 3),
    ],
)  # fmt: skip
def test_a_run_has_the_same_shard_for_ever(history_id, shard):
    assert Spread(8, 8).place(history_id) == (shard, f"PUBLIC#{shard}")
    assert Spread(1, 1).place(history_id) == (0, "PUBLIC")


@pytest.mark.parametrize(
    ("spread", "timelines"),
    [
        (Spread(1, 1), ["PUBLIC"]),
        (Spread(1, 3), ["PUBLIC#0", "PUBLIC#1", "PUBLIC#2", "PUBLIC"]),
        (Spread(2, 2), ["PUBLIC#0", "PUBLIC#1"]),
        (Spread(2, 2, reads_unspread=True), ["PUBLIC#0", "PUBLIC#1", "PUBLIC"]),
        (Spread(2, 3), ["PUBLIC#0", "PUBLIC#1", "PUBLIC#2"]),
    ],
)
def test_what_is_read_holds_all_that_was_ever_written(spread, timelines):
    assert spread.timelines() == timelines


@pytest.mark.parametrize(
    ("expected", "output", "passes"),
    [
        ("1 2\n", "1 2", True), ("1 2", "1 2\r\n\r\n", True), ("1 2 \t\n3", "1 2\n3  ", True), ("", "\n \n", True),
        ("1\r\n2", "1\n2", True), ("\ufeff1", "1", True), ("1", "\ufeff1", False), ("\ufeff\ufeff1", "1", False),
        ("1\n2", "1\n\n2", False), ("1 2", "1  2", False), (" 1", "1", False), ("1", "\n1", False), ("", "0", False),
        ("a\x0cb", "a\nb", False), ("a\u2028b", "a\nb", False),
        ("a\x0cb", "a\x0cb", True), ("a\u2028b", "a\u2028b", True),
        ("1\r2", "1\n2", False), ("é", "e\u0301", False),
    ],
)  # fmt: skip
def test_only_ends_of_lines_and_of_all_are_not_compared(expected, output, passes):
    [result] = compared([Output("1", output)], {"1": case(expected)})
    assert result.passed is passes


def test_an_output_without_what_was_expected_is_refused():
    cases = {"1": case("1"), "2": case("", "000002", output_state="missing")}
    for outputs in ([Output("2", "")], [Output("3", "")], [Output("1", "1"), Output("1", "1")]):
        with pytest.raises(InvalidInput):
            compared(outputs, cases)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([(True, "success")], "passed"), ([(True, "success"), (False, "success")], "failed"),
        ([(True, "success"), (False, "error")], "failed"), ([(False, "error"), (False, "timeout")], "error"),
        ([], "passed"),
    ],
)  # fmt: skip
def test_a_run_comes_to_one_verdict(outcomes, expected):
    assert verdict([TestResult("1", passed, status=status) for passed, status in outcomes]) == expected


def test_languages_have_other_names():
    assert [runnable_language(each) for each in ("python3", "Node", "c++", "java")] == [
        "python", "javascript", "cpp", "java",
    ]  # fmt: skip
    for language in ("cobol", "python\n", "", "c"):
        with pytest.raises(InvalidInput):
            runnable_language(language)


@pytest.mark.parametrize("text", ["1", "9" * 19, "01K71V2JG0A1B2C3D4E5F6G7H8"])
def test_ids_of_runs_are_ulids_or_numbers_that_were_moved_in(text):
    assert rules.HISTORY_ID.fullmatch(text)


@pytest.mark.parametrize(
    "text", ["", "9" * 20, "1\n", "-1", "1e3", "01K71V2JG0A1B2C3D4E5F6G7HU", "01k71v2jg0a1b2c3d4e5f6g7h8"]
)
def test_nothing_else_is_an_id_of_a_run(text):
    assert not rules.HISTORY_ID.fullmatch(text)


def test_long_results_are_stored_by_the_day_of_their_run():
    assert rules.results_key("7", 1_759_967_999_999) == "results/2025/10/08/7.json.gz"
    assert rules.results_key("7", 1_759_968_000_000) == "results/2025/10/09/7.json.gz"
