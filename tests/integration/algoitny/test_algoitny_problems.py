"""Problems and their test cases in the table: their keys and lists, and a count that is never wrong."""

from typing import Any

import pytest

from lambda_src.errors import InvalidCursor, InvalidInput, PayloadTooLarge
from lambda_src.services.algoitny import errors, items
from lambda_src.services.algoitny.models.problems import ProblemStats
from lambda_src.services.algoitny.problems.repository import ProblemRepository

KEY = ("codeforces", "1520E")
NOW = 1_759_924_800_000


@pytest.fixture
def judge(new_judge):
    return new_judge()


@pytest.fixture
def problems(judge):
    return ProblemRepository(judge.store, judge.clock)


def stored(judge) -> dict[str, Any]:
    return judge.item(items.PROBLEM.key(platform=KEY[0], problem_id=KEY[1])) or {}


def cases(*ids: str, **more: Any) -> list[dict[str, Any]]:
    return [{"testcase_id": each, "input": f"in {each}", "output": f"out {each}", **more} for each in ids]


def test_a_new_problem_is_a_draft_and_what_is_long_of_it_is_in_no_index(judge, problems):
    with judge.counted() as requests:
        made = problems.create_problem(*KEY, {"title": "Sheep", "tags": ["math"], "solution_code": "print(1)"})
    assert requests == {"TransactWriteItems": 1}
    assert stored(judge) == {
        "PK": "PROB#codeforces#1520E", "SK": "META", "tp": "prob", "crt": NOW, "upd": NOW, "tit": "Sheep",
        "tag": ["math"], "cmp": False, "tcc": 0, "del": False, "nrv": False, "vrf": False,
        "GSI1PK": "PROB#DRAFT", "GSI1SK": f"{NOW}#codeforces#1520E",
    }  # fmt: skip
    body = judge.item(items.PROBLEM_BODY.key(platform=KEY[0], problem_id=KEY[1]))
    assert body["sol"] == "print(1)"
    assert not {name for name in body if name.startswith("GSI")}
    assert (made.title, made.is_completed) == ("Sheep", False)


def test_a_problem_is_created_once(problems):
    problems.create_problem(*KEY, {"title": "First"})
    with pytest.raises(errors.ProblemExists):
        problems.create_problem(*KEY, {"title": "Second"})
    assert problems.get_problem(*KEY, body=False).problem.title == "First"


def test_a_problem_is_read_whole_or_only_what_is_light(judge, problems):
    problems.create_problem(*KEY, {"title": "Sheep", "metadata": {"difficulty": 1.5, "deep": {"list": [1, "two"]}}})
    judge.put_items(items.PROBLEM_STATS.item(ProblemStats(*KEY, 7)))
    with judge.counted() as whole:
        found = problems.get_problem(*KEY)
    with judge.counted() as light:
        problem, body, _ = problems.get_problem(*KEY, body=False)
    assert (whole, light) == ({"BatchGetItem": 1}, {"GetItem": 1})
    assert (found.problem, found.execution_count, body) == (problem, 7, None)
    assert float(found.body.metadata["difficulty"]) == 1.5
    assert found.body.metadata["deep"] == {"list": [1, "two"]}
    assert problems.get_problem("codeforces", "none") is None


def test_completing_and_reviewing_move_a_problem_from_list_to_list(judge, problems):
    problems.create_problem(*KEY, {"title": "Sheep"})
    judge.clock.forward(minutes=1)
    with judge.counted() as requests:
        problems.update_problem(*KEY, {"is_completed": True})
    assert requests == {"UpdateItem": 1}
    assert (stored(judge)["GSI1PK"], stored(judge)["cmp"], stored(judge)["upd"]) == (
        "PROB#COMPLETED",
        True,
        NOW + 60_000,
    )
    problems.update_problem(*KEY, {"needs_review": True, "review_notes": "Look at 3"})
    assert (stored(judge)["GSI2PK"], stored(judge)["GSI2SK"]) == ("PROB#REVIEW", f"{NOW}#codeforces#1520E")
    problems.update_problem(*KEY, {"needs_review": False, "review_notes": "", "solution_code": "x", "tags": []})
    assert "GSI2PK" not in stored(judge)
    assert "rvn" not in stored(judge)
    assert problems.get_problem(*KEY).body.solution_code == "x"
    problems.update_problem(*KEY, {"is_completed": False})
    assert stored(judge)["GSI1PK"] == "PROB#DRAFT"


@pytest.mark.parametrize("updates", [{"title": "New"}, {"solution_code": "x"}, {"needs_review": True}])
def test_a_problem_that_is_not_there_is_not_changed_nor_made(judge, problems, updates):
    with pytest.raises(errors.ProblemNotFound):
        problems.update_problem(*KEY, updates)
    judge.problem(*KEY, is_deleted=True)
    with pytest.raises(errors.ProblemNotFound):
        problems.update_problem(*KEY, updates)
    assert stored(judge)["GSI1PK"] == "PROB#DELETED"


def test_a_field_that_nobody_knows_is_refused(problems):
    with pytest.raises(ValueError, match="has no sol"):
        problems.create_problem(*KEY, {"title": "Sheep", "sol": "short names are nobody's business"})


@pytest.mark.parametrize(
    ("platform", "problem_id"),
    [
        ("Baekjoon", "1"), ("baekjoon\n", "1"), ("", "1"), ("a" * 51, "1"), ("a#b", "1"), ("baekjoon", "1\n"),
        ("baekjoon", "1#2"), ("baekjoon", "%31"), ("baekjoon", ""), ("baekjoon", "1" * 51), ("baekjoon", "\ud800"),
    ],
)  # fmt: skip
def test_an_id_that_would_not_be_one_in_a_key_is_refused(judge, problems, platform, problem_id):
    with judge.counted() as requests, pytest.raises(InvalidInput):
        problems.create_problem(platform, problem_id, {"title": "Sheep"})
    assert not requests


@pytest.mark.parametrize(
    "data",
    [
        {}, {"title": ""}, {"title": "a" * 256}, {"problem_url": "javascript:alert(1)"}, {"tags": ["a"] * 51},
        {"tags": [""]}, {"problem_url": "https://a/\n"}, {"problem_url": f"https://{'a' * 2048}"},
        {"solution_code": "가" * 21_846}, {"constraints": "a" * 32_769}, {"generator_code": "\udfff"},
        {"user_samples": [{"input": "1"}]}, {"user_samples": [{"input": "1", "output": "a" * 4097}]},
        {"hints": [{"level": 1, "hint": "a"}]}, {"hints": [{"level": 2, "hint": "a"}] * 3},
        {"metadata": {"text": "a" * 16_384}}, {"metadata": []},
    ],
)  # fmt: skip
def test_what_is_too_long_or_no_such_thing_is_refused_before_any_request(judge, problems, data):
    with judge.counted() as requests, pytest.raises(InvalidInput):
        problems.create_problem(*KEY, {**({"title": "Sheep"} if data else {}), **data})
    assert not requests


# ---- test cases ------------------------------------------------------------------------------------------------------


def test_test_cases_are_listed_as_numbers_and_then_as_names_and_counted(judge, problems):
    problems.create_problem(*KEY, {"title": "Sheep"})
    with judge.counted() as requests:
        assert problems.add_testcases_batch(*KEY, cases("10", "custom1", "2", "1")) == 4
    assert requests == {"TransactWriteItems": 1}
    first = problems.get_testcases(*KEY, 3)
    second = problems.get_testcases(*KEY, 3, first.next_cursor)
    assert [each.testcase_id for page in (first, second) for each in page.items] == ["1", "2", "10", "custom1"]
    assert second.next_cursor is None
    assert stored(judge)["tcc"] == 4
    with pytest.raises(InvalidCursor):
        problems.get_testcases("codeforces", "1520F", 3, first.next_cursor)


def test_a_test_case_is_stored_with_its_sizes_and_its_digest(judge, problems):
    problems.create_problem(*KEY, {"title": "Sheep"})
    problems.add_testcases_batch(
        *KEY, [{"testcase_id": "1", "input": "é", "output": "가"}, {"testcase_id": "x", "input": ""}]
    )
    assert judge.item(items.TEST_CASE.key(platform=KEY[0], problem_id=KEY[1], sort_id="000001")) == {
        "PK": "PROB#codeforces#1520E", "SK": "TC#000001", "tp": "tc", "crt": NOW, "upd": NOW, "inp": "é", "out": "가",
        "sto": "inline", "isz": 2, "osz": 3, "ost": "ready",
        "sha": "47333ce4f5f144d0406d314bbc134718a259322fd4a200322103300b22995395",
    }  # fmt: skip
    assert [each.output_state for each in problems.get_testcases(*KEY, 5).items] == ["ready", "missing"]


def test_of_a_chunk_all_or_none_is_added(judge, problems):
    problems.create_problem(*KEY, {"title": "Sheep"})
    problems.add_testcases_batch(*KEY, cases("2", "4"))
    with pytest.raises(errors.TestCaseExists) as refused:
        problems.add_testcases_batch(*KEY, cases("1", "2", "3", "4"))
    assert refused.value.testcase_ids == ("2", "4")
    assert stored(judge)["tcc"] == len(problems.get_testcases(*KEY, 100).items) == 2


def test_more_than_a_transaction_holds_is_added_chunk_by_chunk_up_to_1000(judge, problems):
    judge.problem(*KEY, cases=0, test_case_count=900)
    with judge.counted() as requests:
        problems.add_testcases_batch(*KEY, cases(*map(str, range(1, 101))))
    assert requests == {"TransactWriteItems": 2}
    with pytest.raises(errors.TooManyTestCases):
        problems.add_testcases_batch(*KEY, cases("101"))
    assert stored(judge)["tcc"] == 1000


def test_a_chunk_has_3_and_a_half_megabytes_at_most(judge, problems):
    problems.create_problem(*KEY, {"title": "Sheep"})
    with judge.counted() as requests:
        problems.add_testcases_batch(*KEY, cases(*map(str, range(1, 41)), input="a" * 100_000))
    assert requests == {"TransactWriteItems": 2}
    assert stored(judge)["tcc"] == 40


@pytest.mark.parametrize("is_deleted", [True, None])
def test_a_problem_that_is_not_there_gets_no_test_cases(judge, problems, is_deleted):
    if is_deleted:
        judge.problem(*KEY, cases=0, is_deleted=True)
    with pytest.raises(errors.ProblemNotFound):
        problems.add_testcases_batch(*KEY, cases("1"))
    assert problems.get_testcases(*KEY, 5).items == []


@pytest.mark.parametrize("name", ["0", "01", "1000000", "1\n", "-1", "a#b", "_a", "", "a" * 41, "\uff11", None])
def test_an_id_that_is_none_of_a_test_case_is_refused(judge, problems, name):
    with judge.counted() as requests, pytest.raises(InvalidInput):
        problems.add_testcases_batch(*KEY, cases(name))
    assert not requests


def test_two_of_one_id_are_refused_and_so_is_what_is_no_inline_test_case(judge, problems):
    with judge.counted() as requests:
        with pytest.raises(InvalidInput):
            problems.add_testcases_batch(*KEY, cases("1", "1"))
        with pytest.raises(PayloadTooLarge):
            problems.add_testcases_batch(*KEY, cases("1", input="가" * 34_133, output="a"))
    assert not requests
