"""Which partition of the list index a neighborhood is in.

All of them share one until `NBHD_LIST_SHARDS` spreads them; a partition takes 1,000 writes and 3,000 reads a second.
"""

import hashlib
from typing import Final

UNSHARDED: Final = "neighborhood"
DELETING: Final = "neighborhood_deleting"
MAX_SHARDS: Final = 16


def list_partition(nbhd_id: str, shards: int) -> str:
    """The partition of a neighborhood: `neighborhood`, or `neighborhood#03` when there are several."""
    if shards == 1:
        return UNSHARDED
    digest = hashlib.sha256(nbhd_id.encode()).digest()
    return _shard(int.from_bytes(digest[:4], "big") % shards)


def list_partitions(shards: int, *, with_unsharded: bool = False) -> tuple[str, ...]:
    """All partitions of the list, in the order in which ties are settled."""
    if shards == 1:
        return (UNSHARDED,)
    return (*map(_shard, range(shards)), *([UNSHARDED] if with_unsharded else []))


def _shard(number: int) -> str:
    return f"{UNSHARDED}#{number:02d}"
