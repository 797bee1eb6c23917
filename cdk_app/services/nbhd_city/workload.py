"""The traffic of nbhd.city: people who look around, sign in, join and leave, and neighborhoods that come and go."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from cdk_app.prices import SECONDS_PER_MONTH
from cdk_app.services.nbhd_city.stacks import API_SIZE, WORKER_SIZE
from cdk_app.services.workloads import (
    MONTHS_KEPT,
    Dial,
    Scenario,
    Usage,
    Workload,
    api_request,
    mean,
    measured,
    shares,
    worked,
)

# What people look at, by its name in the benchmark.
MIX: Final[Mapping[str, float]] = MappingProxyType(
    {
        "list, first 100 of 250": 0.35,
        "detail of a member, 100 of 1,000 members": 0.20,
        "detail of a visitor, 100 of 1,000 members": 0.15,
        "my neighborhoods, 100 of 120": 0.15,
        "my profile": 0.15,
    }
)
JOINS_AND_LEAVES: Final[Mapping[str, float]] = MappingProxyType({"join": 0.5, "leave": 0.5})
# The requests of a sign-in, and how many each sends to BlueSky's servers.
SIGN_IN: Final[Mapping[str, int]] = MappingProxyType(
    {"sign in: the button": 2, "sign in: the way back": 4, "sign in: the token": 0}
)
UPSTREAM_MS: Final = 200  # wait for one of BlueSky's servers
MEMBERSHIP_KB: Final = 0.8  # with its index entry
NEIGHBORHOOD_KB: Final = 2  # with its index entries and its name
MEMBERS_OF_DELETED: Final = 1_000  # as in the benchmark
METRICS_SEARCHED: Final = 11  # NameTaken, JoinConflictRetries, 5 reasons of failed sign-ins, waits for 4 servers


def workload() -> Workload:
    """Dials: requests that look, joins and leaves, sign-ins, neighborhoods made and deleted."""
    date, figures = measured("nbhd_city")
    requests = figures["requests"]
    return Workload(
        dials=(
            Dial("look", _asked(mean(requests, MIX))),
            # Of two requests one joins: half a membership stays.
            Dial("membership change", _asked(mean(requests, JOINS_AND_LEAVES), kept_kb=MEMBERSHIP_KB / 2)),
            Dial("sign-in", _sign_in(requests)),
            Dial("new neighborhood", _asked(requests["create"], kept_kb=NEIGHBORHOOD_KB)),
            Dial("deleted neighborhood", _deleted(requests)),
        ),
        scenarios=(
            _month("Quiet", looks=2_000, joins=100, sign_ins=50, made=5, deleted=0),
            _month("As planned", looks=50_000, joins=50_000, sign_ins=5_000, made=100, deleted=5),
            _month("Large", looks=1_000_000, joins=200_000, sign_ins=50_000, made=2_000, deleted=100),
        ),
        assumptions=_assumptions(date, figures["example"]),
    )


def _asked(figures: Mapping[str, float], *, waited_ms: float = 0, kept_kb: float = 0) -> Usage:
    return api_request(figures, memory_mb=API_SIZE.memory_mb, waited_ms=waited_ms, kept_kb=kept_kb)


def _sign_in(requests: Mapping[str, Mapping[str, float]]) -> Usage:
    """All its requests together."""
    usage = Usage()
    for name, upstream in SIGN_IN.items():
        usage += _asked(requests[name], waited_ms=upstream * UPSTREAM_MS)
    return usage


def _deleted(requests: Mapping[str, Mapping[str, float]]) -> Usage:
    """The request, and the worker that removes the members."""
    purge = requests[f"purge of {MEMBERS_OF_DELETED:,} members"]
    return _asked(requests["delete"]) + worked(purge, memory_mb=WORKER_SIZE.memory_mb, messages=1, seconds=0)


def _month(title: str, *, looks: int, joins: int, sign_ins: int, made: int, deleted: int) -> Scenario:
    counts = {
        "look": looks,
        "membership change": joins,
        "sign-in": sign_ins,
        "new neighborhood": made,
        "deleted neighborhood": deleted,
    }
    return Scenario(
        title, counts, also=Usage(custom_metrics=METRICS_SEARCHED if sign_ins > SECONDS_PER_MONTH / 3600 else 0)
    )


def _assumptions(date: str, example: Mapping[str, Any]) -> str:
    return f"""\
- **Measured** on {date} ([capacity.md](benchmarks/capacity.md)): requests, capacity units and CPU time of
  each request, with {example["neighborhoods"]} neighborhoods, and of the worker's tasks.
- **Assumed**, the mix of looks: {shares(MIX)}.
- **Assumed**, as many joins as leaves among the changes of memberships. *As planned* is the load that the service was
  planned for: 100,000 requests, of which 50,000 write. Its sign-ins and the other months are our guess.
- **Assumed**, {UPSTREAM_MS} ms of waiting for each of the {sum(SIGN_IN.values())} requests that a sign-in sends to
  BlueSky's servers. Its CPU time is an upper bound, as it was measured together with their stand-in.
- **Assumed**, {MEMBERSHIP_KB} KB stored for a membership and {NEIGHBORHOOD_KB} KB for a neighborhood, indexes included,
  {MONTHS_KEPT} months of them at a time; a deleted one has {MEMBERS_OF_DELETED:,} members.
- **Assumed**, {METRICS_SEARCHED} more custom metrics than the alarms read are written in every hour of a month in which
  somebody signs in every hour, and none of them in a quieter one.
"""
