import json

import pytest

from cdk_app.local.layout import LocalCloudError
from cdk_app.local.streams.filters import compile_filters

RECORD = {
    "eventName": "INSERT",
    "dynamodb": {
        "SizeBytes": 120,
        "Keys": {"id": {"S": "a#1"}},
        "NewImage": {
            "kind": {"S": "hist"},
            "count": {"N": "5"},
            "is_open": {"BOOL": True},
            "tags": {"SS": ["red", "green"]},
            "empty": {"S": ""},
        },
    },
}


def image(**attributes: object) -> dict[str, object]:
    return {"dynamodb": {"NewImage": attributes}}


def is_wanted(*patterns: object) -> bool:
    return compile_filters(json.dumps(pattern) for pattern in patterns)(RECORD)


@pytest.mark.parametrize(
    "pattern",
    [
        {"eventName": ["INSERT"]},
        {"eventName": ["REMOVE", "INSERT"]},
        {"eventName": ["INSERT"], **image(kind={"S": ["hist"]})},
        image(kind={"S": [{"prefix": "hi"}]}, count={"N": ["5"]}),
        image(kind={"S": [{"anything-but": ["job", "user"]}]}),
        image(kind={"S": [{"exists": True}]}),
        image(other={"S": [{"exists": False}]}),
        {"dynamodb": {"OldImage": {"kind": {"S": [{"exists": False}]}}}},
        image(is_open={"BOOL": [True]}),
        image(empty={"S": [""]}),
        image(tags={"SS": ["green"]}),
        {"dynamodb": {"SizeBytes": [{"numeric": [">", 0, "<=", 120]}]}},
        {"dynamodb": {"SizeBytes": [{"numeric": ["=", 120.0]}]}},
        {"dynamodb": {"SizeBytes": [{"anything-but": [1, 2]}]}},
    ],
)
def test_a_record_that_meets_a_pattern_is_wanted(pattern):
    assert is_wanted(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        {"eventName": ["insert"]},
        {"eventName": ["REMOVE"], **image(kind={"S": ["hist"]})},
        image(kind={"S": [{"prefix": "job"}]}),
        image(kind={"N": ["hist"]}),
        image(kind={"S": [{"anything-but": ["hist"]}]}),
        image(other={"S": [{"anything-but": ["hist"]}]}),
        image(other={"S": [{"exists": True}]}),
        image(kind={"S": [{"exists": False}]}),
        image(kind=[{"exists": True}]),  # exists works on leaves only
        image(count={"N": [5]}),  # a number of an item is text
        image(is_open={"BOOL": [1]}),
        image(tags={"SS": ["blue"]}),
        {"dynamodb": {"OldImage": {"kind": {"S": ["hist"]}}}},
        {"dynamodb": {"SizeBytes": [{"numeric": [">", 0, "<", 120]}]}},
        {"dynamodb": {"Keys": {"id": {"S": [{"numeric": [">", 0]}]}}}},
    ],
)
def test_a_record_that_does_not_is_passed_over(pattern):
    assert not is_wanted(pattern)


def test_one_of_several_patterns_is_enough():
    assert is_wanted({"eventName": ["REMOVE"]}, {"eventName": ["INSERT"]})
    assert not is_wanted({"eventName": ["REMOVE"]}, {"eventName": ["MODIFY"]})


def test_without_a_pattern_every_record_is_wanted():
    assert is_wanted()


@pytest.mark.parametrize(
    "pattern",
    [
        {},
        [],
        "INSERT",
        {"eventName": "INSERT"},
        {"eventName": []},
        {"eventName": [None]},
        {"dynamodb": {}},
        {"eventName": [{"suffix": "T"}]},
        {"eventName": [{"equals-ignore-case": "insert"}]},
        {"$or": [{"eventName": ["INSERT"]}]},
        {"eventName": [{"prefix": "I", "exists": True}]},
        {"eventName": [{"prefix": 1}]},
        {"eventName": [{"exists": "yes"}]},
        {"eventName": [{"anything-but": {"prefix": "I"}}]},
        {"eventName": [{"anything-but": [True]}]},
        {"dynamodb": {"SizeBytes": [{"numeric": []}]}},
        {"dynamodb": {"SizeBytes": [{"numeric": [">"]}]}},
        {"dynamodb": {"SizeBytes": [{"numeric": ["~", 1]}]}},
        {"dynamodb": {"SizeBytes": [{"numeric": [">", "1"]}]}},
        image(count={"N": [{"numeric": [">", 1]}]}),
    ],
)
def test_what_is_not_carried_out_is_refused(pattern):
    with pytest.raises(LocalCloudError, match="The local cloud does not carry out"):
        compile_filters([json.dumps(pattern)])


def test_what_is_no_json_is_refused():
    with pytest.raises(LocalCloudError, match="is no JSON"):
        compile_filters(["eventName: INSERT"])
