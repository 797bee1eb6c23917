"""The one log line that a message, a stream record, a batch or a task leaves."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lambda_src.dynamo.meter import UsageMeter

logger = logging.getLogger(__name__)


@contextmanager
def work_logged(
    phrase: str, usage: UsageMeter, monotonic: Callable[[], float], **fields: object
) -> Iterator[dict[str, object]]:
    """Write a line when the block ends, also by an exception: what was known before, and what the block adds.

    The line says how long it took, and which requests and capacity units of DynamoDB.
    """
    started, before = monotonic(), usage.snapshot()
    try:
        yield fields
    finally:
        milliseconds = round((monotonic() - started) * 1000, 1)
        logger.info(phrase, extra={**fields, "milliseconds": milliseconds, **usage.fields_since(before)})
