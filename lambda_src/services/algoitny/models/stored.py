"""What the models of AlgoItny share. Each module of this folder holds those of one kind: plain frozen values.

They have the long names of the product, and say under which short ones they are stored. Times are epoch milliseconds,
`expires_at` epoch seconds, dates `YYYYMMDD` in UTC. A problem is `<platform>` and `<problem_id>`; where one text names
it, it is `<platform>#<problem_id>`.
"""

import zlib
from typing import Annotated, Final

from lambda_src.dynamo.codec import Stored

MAX_ID: Final = 2**53 - 1  # the largest integer that every JSON reader keeps as it is

CreatedAt = Annotated[int, Stored("crt")]
UpdatedAt = Annotated[int, Stored("upd")]
ExpiresAt = Annotated[int, Stored("ttl")]
UserId = Annotated[int, Stored("uid")]


def shard_of(identity: str, shards: int) -> int:
    """The shard of an id, evenly spread and the same for ever: CRC-32 of its UTF-8 text."""
    return zlib.crc32(identity.encode()) % shards
