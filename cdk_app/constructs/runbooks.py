"""The kinds of alarms there are, each with its page in `docs/runbooks` and with what to do first.

A kind is what an operator learns once; the alarms of a kind differ in the thing they watch. A test holds the three
together: every alarm names a kind, every kind has a page, and every page is named by an alarm.
"""

from dataclasses import dataclass
from typing import Final

# In front of the pages' paths in alarms and on the dashboard. With the address of your repository here, for example
# `https://github.com/<owner>/<repository>/blob/main/`, the e-mail of an alarm links to its page.
REPOSITORY_URL: Final = ""
FOLDER: Final = "docs/runbooks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """One kind of alarm. name: of its page, without ending. first: what to do first, one sentence in the imperative.

    tells_when_over: it is a state that lasts, so its end is worth a message too. The others are events, over before
    anybody has read of them.
    """

    name: str
    first: str
    tells_when_over: bool = False

    @property
    def link(self) -> str:
        """Where the page is: an address, or the path in this repository."""
        return f"{REPOSITORY_URL}{FOLDER}/{self.name}.md"


API_ERRORS: Final = Runbook(
    name="api-errors",
    first="Was something just deployed? Then put the version before it back",
    tells_when_over=True,
)
API_LATENCY: Final = Runbook(name="api-latency", first="Run the saved query `slowest requests`", tells_when_over=True)
NEW_VERSION: Final = Runbook(
    name="new-version", first="Look whether CodeDeploy has put the old version back; if not, stop the deployment"
)
FUNCTION_ERRORS: Final = Runbook(name="function-errors", first="Run the saved query `recent errors`")
FUNCTION_THROTTLES: Final = Runbook(
    name="function-throttles", first="Compare the account's concurrency in use with its limit"
)
FUNCTION_DURATION: Final = Runbook(
    name="function-duration", first="Run the saved query `slowest requests` and see what they wait for"
)
QUEUE_AGE: Final = Runbook(
    name="queue-age", first="See on the dashboard whether the worker is busy, refused or idle", tells_when_over=True
)
DEAD_LETTERS: Final = Runbook(
    name="dead-letters",
    first="Read the reasons with `make redrive QUEUE=<name>`, which moves nothing",
    tells_when_over=True,
)
STREAM_AGE: Final = Runbook(
    name="stream-age",
    first="See on the dashboard whether the function fails, or works and cannot keep up",
    tells_when_over=True,
)
DEAD_RECORDS: Final = Runbook(
    name="dead-records",
    first="Read the reasons with `make redrive FUNCTION=<name>`, which moves nothing",
    tells_when_over=True,
)
TABLE_THROTTLES: Final = Runbook(
    name="table-throttles", first="See on the dashboard which table or index it is, and whether traffic rose"
)
TABLE_ERRORS: Final = Runbook(
    name="table-errors", first="Look at the AWS Health Dashboard for DynamoDB; requests are retried meanwhile"
)
SCHEDULE: Final = Runbook(
    name="schedule", first="See whether the rule is enabled and the function takes calls", tells_when_over=True
)
EVENTS: Final = Runbook(name="events", first="See whether the policy of the queue still names the rule")
RUN_FAILED: Final = Runbook(name="run-failed", first="Read the channel's log: `GET /api/channels/{id}/logs`")
TRANSCRIPTION: Final = Runbook(
    name="transcription", first="See whether it is one file, or every file since the last deployment"
)
CONTENTION: Final = Runbook(
    name="contention", first="See in the access log which neighborhood everybody joins or leaves"
)
INVARIANTS: Final = Runbook(
    name="invariants", first="Run the saved query `recent errors` and note the ids; a recount is on its way"
)
SIGN_IN: Final = Runbook(
    name="sign-in", first="Run the saved query `recent errors` and group by `reason`", tells_when_over=True
)
BUDGET: Final = Runbook(name="budget", first="Open Cost Explorer, filtered by the tag `deployment`")

RUNBOOKS: Final = (
    API_ERRORS,
    API_LATENCY,
    NEW_VERSION,
    FUNCTION_ERRORS,
    FUNCTION_THROTTLES,
    FUNCTION_DURATION,
    QUEUE_AGE,
    DEAD_LETTERS,
    STREAM_AGE,
    DEAD_RECORDS,
    TABLE_THROTTLES,
    TABLE_ERRORS,
    SCHEDULE,
    EVENTS,
    RUN_FAILED,
    TRANSCRIPTION,
    CONTENTION,
    INVARIANTS,
    SIGN_IN,
    BUDGET,
)
