"""Results that are too long for an item, as compressed JSON in the bucket."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.objects import ObjectClient, ObjectMissing
from lambda_src.services.algoitny.errors import StorageUnavailable
from lambda_src.services.algoitny.models.histories import TestResult, read_results, stored_results

_MAX_BYTES = 16_777_216  # what one request can bring, with room for how JSON writes it


def as_json(results: tuple[TestResult, ...]) -> bytes:
    """Results as they are measured and stored."""
    return json.dumps(stored_results(results), ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class ResultObjects:
    """Each call is one request, and raises StorageUnavailable."""

    objects: ObjectClient

    def put(self, key: str, content: bytes) -> None:
        with _failures():
            packed = gzip.compress(content, mtime=0)
            self.objects.put(key, packed, content_type="application/json", content_encoding="gzip")

    def read(self, key: str) -> tuple[TestResult, ...] | None:
        """The results, None when they are no longer kept."""
        try:
            with _failures():
                content = self.objects.read(key, max_bytes=_MAX_BYTES)
        except ObjectMissing:
            return None
        return read_results(json.loads(gzip.decompress(content)))

    def delete(self, key: str) -> None:
        with _failures():
            self.objects.delete(key)


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except StoreUnavailable as exc:
        raise StorageUnavailable(retry_after_seconds=1) from exc
