"""The words in which a service declares its buckets: which objects are kept, and what each function does with them.

A declaration is data and runs: the bucket, its lifecycle and CORS rules and the rights of each function follow from it.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

type ObjectAction = Literal["GetObject", "PutObject", "DeleteObject", "ListBucket"]  # IAM's names, without `s3:`
type BrowserMethod = Literal["GET", "HEAD", "POST"]


class Prefix(NamedTuple):
    """Objects whose keys begin with `<name>/`.

    done_by: actions by who does them, as access patterns name it. A signed URL or form may do what its signer may;
    copying reads its source and puts its target; asking for a head is GetObject. `ListBucket` lists this prefix alone.
    days_kept: after which S3 deletes an object; None: it stays.
    """

    name: str
    done_by: Mapping[str, tuple[ObjectAction, ...]]
    days_kept: int | None = None


class Bucket(NamedTuple):
    """A bucket of a service; keys below no declared prefix are nobody's.

    name: of its construct, and in its output `<Name>BucketName`. environment_variable: where a function finds the
    physical name, which CloudFormation chooses. browser_methods: what pages of the service's web clients send to it.
    """

    name: str
    environment_variable: str
    prefixes: tuple[Prefix, ...]
    browser_methods: tuple[BrowserMethod, ...] = ()

    def rights(self, asker: str) -> Iterator[tuple[str, ObjectAction]]:
        """(prefix, action) of everything that a function does."""
        for prefix in self.prefixes:
            yield from ((prefix.name, action) for action in prefix.done_by.get(asker, ()))
