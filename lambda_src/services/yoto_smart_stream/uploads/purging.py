"""Objects that nobody needs any more: they are deleted by jobs, which survive whatever happens to their messages."""

from dataclasses import dataclass

from lambda_src.dynamo.errors import applied
from lambda_src.dynamo.store import Store
from lambda_src.runtime.clock import Clock
from lambda_src.runtime.objects import ObjectClient
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.jobs import ended_job


@dataclass(frozen=True, slots=True)
class Purger:
    store: Store
    objects: ObjectClient
    clock: Clock

    def purge(self, job_id: str) -> bool:
        """Delete the objects of a job and end it; False when there is nothing to do for it. It may come any number of
        times; objects that are missing count as deleted.

        2 requests and 1 to S3. Raises StoreUnavailable when some could not be deleted: the job stays then.
        """
        job = self.store.get(tables.JOB_BY_ID, job_id=job_id)
        if job is None or job.is_done or job.kind != "purge":
            return False
        self.objects.delete_several(job.object_keys)
        return applied(self.store.update, tables.FINISH_JOB, ended_job(job_id, self.clock()))
