"""Which records of the stream Lambda hands over to be counted: all that may count, and as few others as it can tell."""

import json

import pytest

from cdk_app.local.streams.filters import compile_filters
from lambda_src.services.algoitny.statistics.rules import FILTERS

MATCHES = compile_filters(json.dumps(pattern) for pattern in FILTERS)


def record(event, kind, *, old_kind=None):
    """A record about an item of a kind, which may have been of another one before."""
    images = {"OldImage": old_kind or kind, "NewImage": kind}
    missing = {"INSERT": "OldImage", "REMOVE": "NewImage"}.get(event)
    shown = {name: {"tp": {"S": each}} for name, each in images.items() if name != missing}
    return {"eventName": event, "eventSource": "aws:dynamodb", "dynamodb": {"SequenceNumber": "1", **shown}}


@pytest.mark.parametrize(
    ("event", "kind"),
    [("INSERT", "hist"), ("MODIFY", "hist"), ("REMOVE", "hist"), ("INSERT", "hint"), ("MODIFY", "hint")],
)
def test_what_may_count_is_handed_over(event, kind):
    assert MATCHES(record(event, kind))


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("REMOVE", "hint"),
        ("INSERT", "hbody"),
        ("MODIFY", "usr"),
        ("REMOVE", "ulog"),
        ("INSERT", "evt"),
        ("MODIFY", "stats"),
        ("INSERT", "pubh"),
    ],
)
def test_what_never_counts_is_not(event, kind):
    assert not MATCHES(record(event, kind))
