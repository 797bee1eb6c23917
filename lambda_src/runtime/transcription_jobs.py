"""The words in which a service declares its jobs of Amazon Transcribe: their names, and what each function does.

A declaration is data and runs: the rights of each function and the events that its worker hears follow from it.
"""

from collections.abc import Iterator, Mapping
from typing import Final, Literal, NamedTuple

type JobAction = Literal["StartTranscriptionJob", "GetTranscriptionJob", "DeleteTranscriptionJob"]

# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazontranscribe.html
KNOWS_NO_RESOURCE: Final[frozenset[JobAction]] = frozenset({"StartTranscriptionJob"})
# https://docs.aws.amazon.com/transcribe/latest/dg/monitoring-events.html
DETAIL_TYPE: Final = "Transcribe Job State Change"
ENDS: Final = ("COMPLETED", "FAILED")


class TranscriptionJobs(NamedTuple):
    """Jobs whose names begin with `<prefix>-<environment>-`; all of an account share one list of names.

    done_by: actions by who does them, as access patterns name it. Deleting one that runs stops it.
    """

    prefix: str
    done_by: Mapping[str, tuple[JobAction, ...]]

    def beginning(self, environment: str) -> str:
        """What the names of all jobs of an environment begin with, for example `yss-dev-`."""
        return f"{self.prefix}-{environment}-"

    def rights(self, asker: str, environment: str) -> Iterator[tuple[JobAction, str]]:
        """(action, names of jobs with `*` for any text) of everything that a function does."""
        for action in self.done_by.get(asker, ()):
            yield action, "*" if action in KNOWS_NO_RESOURCE else f"{self.beginning(environment)}*"
