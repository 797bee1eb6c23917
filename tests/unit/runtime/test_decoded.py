"""JSON that others wrote, among words of theirs."""

import time

import pytest

from lambda_src.runtime.providers.decoded import embedded


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('[1, {"stocks": []}', []),
        ('[1, {"stocks": []} and more', []),
        ('At [12:30] {"stocks": []}', [{"stocks": []}]),
        ('[A] {"stocks": []}', [{"stocks": []}]),
        ('{"stocks": [{"ticker": "A"}\n```json\n{"stocks": []}\n```', [{"stocks": []}]),
    ],
)
def test_a_part_of_what_broke_off_is_no_value(text, found):
    assert list(embedded(text)) == found


@pytest.mark.parametrize("text", ["[1," * 30_000, "[" * 90_000, '{"a":' * 20_000, "[x" * 40_000])
def test_no_answer_takes_long_to_read(text):
    """It took 38 s of CPU when each bracket was read to the end of the text."""
    before = time.process_time()
    assert list(embedded(text)) == []
    assert time.process_time() - before < 2
