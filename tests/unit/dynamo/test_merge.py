"""Lists over several partitions: one order, each item once, and no more is read than a page needs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_src.dynamo.merge import Rank, merged

steady = settings(derandomize=True, deadline=None)


@dataclass
class Partition:
    """Items in the order of their sort key alone, as an index has them; within one sort key they come as they come."""

    items: Sequence[Rank]
    read: list[Rank] = field(default_factory=list)

    def begin(self, after: Rank | None, *, descending: bool) -> Iterator[Rank]:
        for item in sorted(self.items, key=lambda rank: rank[0], reverse=descending):
            if after is None or (item[0] <= after[0] if descending else item[0] >= after[0]):
                self.read.append(item)
                yield item


def page(partitions: list[Partition], *, after: Rank | None, limit: int, descending: bool) -> list[Rank]:
    readers: list[Callable[[], Iterator[Rank]]] = [
        partial(each.begin, after, descending=descending) for each in partitions
    ]
    return merged(readers, rank=lambda rank: rank, after=after, limit=limit, descending=descending)


ranks = st.tuples(st.sampled_from("abcd"), st.sampled_from("123456789"))


@steady
@given(
    st.lists(st.lists(ranks, max_size=12, unique=True), min_size=1, max_size=8),
    st.integers(1, 5),
    st.booleans(),
)
def test_pages_together_are_the_whole_list_in_order_each_item_once(contents, limit, descending):
    partitions = [Partition(items) for items in contents]
    seen: list[Rank] = []
    after = None
    while found := page(partitions, after=after, limit=limit, descending=descending):
        assert len(found) <= limit
        seen += found
        after = found[-1]
        assert len(seen) <= 8 * 12, "an item is shown twice"
    assert seen == sorted({rank for items in contents for rank in items}, reverse=descending)


@pytest.mark.parametrize("descending", [True, False])
def test_an_item_that_two_partitions_show_comes_once_and_takes_no_place(descending):
    """While it moves, an index may show it in both, and as it was before in one of them."""
    twice, once = ("b", "1"), ("b", "2")
    partitions = [Partition([twice, ("c", "1")]), Partition([twice, once])]
    found = page(partitions, after=None, limit=3, descending=descending)
    assert found == sorted([twice, once, ("c", "1")], reverse=descending)


def test_a_partition_is_read_no_further_than_the_page_and_one_more():
    partition = Partition([(f"{number:02}", "x") for number in range(50)])
    assert page([partition], after=None, limit=10, descending=False) == partition.items[:10]
    assert len(partition.read) == 11, "the one behind tells that it shares no sort key"


def test_a_group_of_one_sort_key_is_read_to_its_end():
    partition = Partition([("a", f"{number:02}") for number in reversed(range(20))] + [("b", "x"), ("c", "x")])
    assert page([partition], after=("a", "04"), limit=3, descending=False) == [("a", "05"), ("a", "06"), ("a", "07")]
    assert len(partition.read) == 21
