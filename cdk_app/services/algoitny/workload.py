"""The traffic of AlgoItny: people who look, run and sign in; and what its plan said that would cost."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from cdk_app import prices
from cdk_app.services.algoitny.stacks import API_SIZE, READER_SIZE
from cdk_app.services.workloads import (
    Dial,
    Figures,
    Scenario,
    Usage,
    Workload,
    api_request,
    gb_seconds,
    mean,
    measured,
    shares,
)

# What people look at, by its name in the benchmark.
MIX: Final[Mapping[str, float]] = MappingProxyType(
    {
        "timeline, page of 20": 0.40,
        "a run with its test cases": 0.25,
        "own runs, page of 20": 0.15,
        "what a plan allows and what is used of it": 0.10,
        "statistics": 0.10,
    }
)
PUBLIC_SHARE: Final = 0.3
RUNS: Final[Mapping[str, float]] = MappingProxyType({"a private run": 1 - PUBLIC_SHARE, "a public run": PUBLIC_SHARE})
COUNTED: Final[Mapping[str, float]] = MappingProxyType(
    {
        "the first run of a problem counted": 0.3,
        "another run of it counted": 0.7 - PUBLIC_SHARE,
        "a public run counted": PUBLIC_SHARE,
    }
)
RECORDS_AT_ONCE: Final = 20  # of the hundred that a batch may have
GOOGLE_MS: Final = 20  # wait for its keys, which are kept for hours
RUN_KB: Final = 3  # with body, indexes and, for a while, its log
DAYS: Final = 30
USERS: Final = 100_000  # of a day, as planned
RUNS_OF_A_DAY: Final = 5  # each
LOOKS_OF_A_DAY: Final = 20  # each

COUNT: Final = "how many of a day count, of 50 logs"

# The plan's dollars a month for so many users, as it stated them.
PLANNED: Final[Mapping[str, float]] = MappingProxyType(
    {"storage": 33.75, "GSI1": 15.00, "GSI2": 8.50, "reads": 90.00, "writes": 36.00}
)
PLANNED_WITH_ARCHIVE: Final = 164
PLANNED_RELATIONAL: Final = 261
LOG_KB: Final = 0.3
DAYS_KEPT: Final = 90


def workload() -> Workload:
    """Dials: requests that look, runs with all that follows from them, sign-ins."""
    date, figures = measured("algoitny")
    requests, memory_mb = figures["requests"], API_SIZE.memory_mb
    sign_in = api_request(requests["sign in again"], memory_mb=memory_mb, waited_ms=GOOGLE_MS)
    return Workload(
        dials=(
            Dial("look", api_request(mean(requests, MIX), memory_mb=memory_mb)),
            Dial("run", _run(requests)),
            Dial("sign-in", sign_in),
        ),
        scenarios=(
            _month("Trial", looks=20_000, runs=2_000, sign_ins=200),
            _month("A thousand users", looks=600_000, runs=150_000, sign_ins=10_000),
            _month(
                "As planned",
                looks=USERS * LOOKS_OF_A_DAY * DAYS,
                runs=USERS * RUNS_OF_A_DAY * DAYS,
                sign_ins=USERS * DAYS // 10,
            ),
        ),
        assumptions=_assumptions(date, figures),
    )


def _run(requests: Mapping[str, Figures]) -> Usage:
    """The request, and what the stream makes of it."""
    counted = mean(requests, COUNTED)
    return api_request(mean(requests, RUNS), memory_mb=API_SIZE.memory_mb, kept_kb=RUN_KB) + Usage(
        invocations=1 / RECORDS_AT_ONCE,
        gb_seconds=gb_seconds(memory_mb=READER_SIZE.memory_mb, cpu_ms=counted["cpu_ms"]),
        read_units=counted["read_units"],
        write_units=counted["write_units"],
    )


def _month(title: str, *, looks: int, runs: int, sign_ins: int) -> Scenario:
    return Scenario(title, {"look": looks, "run": runs, "sign-in": sign_ins})


def _assumptions(date: str, figures: Mapping[str, Any]) -> str:
    example, stored = figures["example"], figures["storage"]
    return f"""\
- **Measured** on {date} ([capacity.md](benchmarks/capacity.md), `make bench-capacity`): requests, capacity units and
  CPU time, with {example["users"]} users and {example["runs"]:,} runs.
- **Assumed**, the mix of looks: {shares(MIX)}; {PUBLIC_SHARE:.0%} of the runs are public, three of ten are the first of
  their problem. Lambda hands over {RECORDS_AT_ONCE} changes at once. A run takes {RUN_KB} KB, indexes included.
- **Assumed**, {GOOGLE_MS} ms of waiting for Google at a sign-in, whose keys are kept for hours.
- *As planned* are the plan's {USERS:,} users a day; that each looks {LOOKS_OF_A_DAY} times and runs {RUNS_OF_A_DAY}
  times is our guess. Not counted are hints and the archive, whose objects are few: about 5,000 a day at 5 million logs.

{_plan(figures)}
Three more savings were claimed. Measured on the example, by the same command:

| | claimed | measured |
| --- | ---: | ---: |
| short names of attributes, of all storage | 40% | {stored["saved by short names"]:.0%} |
| keys alone in GSI2, of that index | 70% | {stored["saved in GSI2 by keys alone"]:.0%} |
| expiry after {DAYS_KEPT} days, of the usage of a year | 70% | {stored["saved of usage by expiry, after a year"]:.0%} |
| the same, of everything stored in a year | | {stored["saved of everything by expiry, after a year"]:.0%} |
"""


def _plan(figures: Mapping[str, Any]) -> str:
    """The plan's dollars beside what they buy at the prices and units of this page."""
    requests = figures["requests"]
    run = mean(requests, RUNS)["write_units"] + mean(requests, COUNTED)["write_units"]
    write_usd = float(prices.DYNAMODB_WRITE_UNIT.each)
    gb_usd = float(prices.DYNAMODB_STORAGE.each)
    writes = PLANNED["writes"] / write_usd
    logs = PLANNED["storage"] / gb_usd * 1e6 / LOG_KB / DAYS_KEPT
    many_usd = USERS * RUNS_OF_A_DAY * DAYS * run * write_usd
    archived, relational, whole = PLANNED_WITH_ARCHIVE, PLANNED_RELATIONAL, sum(PLANNED.values())
    stated = ", ".join(f"{name} ${usd:.2f}" for name, usd in PLANNED.items())
    by_query, counter = figures["count by query"]["read_units"], requests[COUNT]["read_units"]
    return f"""\
The plan stated, for {USERS:,} users a day and a month: {stated}, together ${whole:.2f};
with expiry and an archive ${archived}; a relational database ${relational}. What these figures imply here:

- ${archived} is {1 - archived / relational:.0%} below ${relational}. Turned round, "37% more expensive", it is wrong:
  ${relational} is {relational / archived - 1:.0%} above ${archived}, and {relational / whole - 1:.0%} above the
  ${whole:.2f}.
- The storage is {PLANNED["storage"] / gb_usd:.0f} GB, or {logs / 1e6:.0f} million logs a day over {DAYS_KEPT} days,
  {logs / USERS:.0f} a user: all that plan Free allows.
- The writes are {writes / 1e6:.1f} million units, fewer a day than those logs. A run takes {run:.0f} here, with its
  charge and its statistics, so that they are {writes / run / DAYS:,.0f} runs a day. {RUNS_OF_A_DAY} runs of each user
  and day would be ${many_usd:,.0f}: that a limit is exact, and statistics are counted once, has its price.
- The reads are {PLANNED["reads"] / float(prices.DYNAMODB_READ_UNIT.each) / 1e6:.0f} million units.
- GSI1 would be {PLANNED["GSI1"] / gb_usd:.0f} GB of copies. Long bodies in the index get there; here they are items of
  their own, in no index.
- Counting the {figures["example"]["logs"]} logs of a day by a Query was planned at 0.5 read units and takes
  {by_query:g}. The counter takes {counter:g}, consistent, however many there are.
"""
