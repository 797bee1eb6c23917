"""How a job ends, of whichever kind it is."""

from datetime import datetime, timedelta
from typing import Final

from lambda_src.dynamo.store import EXISTS, Update, UpdateItem
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.models import timestamp

JOB_KEPT: Final = timedelta(days=30)


def ended_job(job_id: str, now: datetime) -> UpdateItem:
    """The write that ends a job: it leaves the list of what is to be done, and the table a month later."""
    expires_at = int((now + JOB_KEPT).timestamp())
    done = Update().set(job_state="done", finished_at=timestamp(now), expires_at=expires_at)
    return UpdateItem(tables.JOB.key(job_id=job_id), done.remove("GSI1PK", "GSI1SK"), EXISTS)
