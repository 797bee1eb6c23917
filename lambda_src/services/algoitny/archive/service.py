"""Expired usage logs go to S3: an object per day of the logs and batch of the stream.

Delivery is at least once, so a log may stand in several objects; who reads them tells it by its `log_id`.
"""

import gzip
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.clock import Clock, utc_text
from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.metrics import Metrics
from lambda_src.runtime.objects import ObjectClient
from lambda_src.runtime.stream import Parsed
from lambda_src.services.algoitny.archive.rules import ExpiredLog, line, object_key
from lambda_src.services.algoitny.settings import Counts

CONTENT_TYPE: Final = "application/gzip"
PUT_SECONDS: Final = 45.0  # what a request to S3 may take at most

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UsageArchiver:
    """objects: of the archive."""

    objects: ObjectClient
    metrics: Metrics
    clock: Clock

    def archive(self, logs: Sequence[Parsed[ExpiredLog]], deadline: Deadline) -> str | None:
        """Write the logs down, and return the first sequence number that was not, None when all were.

        What belongs to days before that one stays written. 1 request to S3 per day.
        """
        of_days: dict[date, list[Parsed[ExpiredLog]]] = {}
        for log in logs:
            of_days.setdefault(log.value.day, []).append(log)
        for place, (day, found) in enumerate(of_days.items()):  # in the order of their first records
            has_time = place == 0 or deadline.remaining_seconds() >= PUT_SECONDS
            if not (has_time and self._put(day, found)):
                return found[0].sequence_number
        return None

    def _put(self, day: date, found: Sequence[Parsed[ExpiredLog]]) -> bool:
        archived_at = utc_text(self.clock(), "milliseconds")
        logs = sorted((each.value for each in found), key=lambda log: log.log_id)
        key = object_key(day, [each.sequence_number for each in found])
        # Without a time in its header the same lines are the same bytes.
        content = gzip.compress(b"".join(line(log, archived_at) for log in logs), compresslevel=6, mtime=0)
        try:
            self.objects.put(key, content, content_type=CONTENT_TYPE)
        except StoreUnavailable as exc:
            logger.warning("logs not archived", exc_info=exc, extra={"day": day.isoformat(), "logs": len(logs)})
            return False
        self.metrics.count(Counts.LOG_ARCHIVED, len(logs))
        return True
