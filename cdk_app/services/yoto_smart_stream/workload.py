"""The traffic of Yoto Smart Stream: people who look through a library, players that play, files that are uploaded."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from cdk_app.services.workloads import (
    MONTHS_KEPT,
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
    worked,
)
from cdk_app.services.yoto_smart_stream.stacks import API_SIZE, WORKER_SIZE

# What people look at, by its name in the benchmark.
LIST: Final = "list, first 100 of 2,500"
MIX: Final[Mapping[str, float]] = MappingProxyType(
    {LIST: 0.5, "search, one page: 1,000 names looked at, none found": 0.2, "a file with its text of 10 KB": 0.3}
)
# What follows from a ticket, each a message: the events of S3 and of Amazon Transcribe, and the job between them.
MESSAGES_OF_AN_UPLOAD: Final = ("upload taken in", "transcription started", "its text of 10 KB taken in")
MISSING_COUNTERS: Final = 2  # read units of what a sign-in looks for and does not find, which the engine does not state
COPY_SECONDS: Final = 3.0  # of waiting for S3
OBJECT_WRITES: Final = 3  # the upload, its copy, the text as Amazon Transcribe writes it
OBJECT_READS: Final = 5  # head, first bytes and copy of the upload; Amazon Transcribe's own read; the text
MINUTES: Final = 15.0  # that a file plays
MEGABYTES: Final = 15.0  # at 128 kbit/s
RECORD_KB: Final = 12  # with its index entries and a text of 10 KB
PLAYED_SHARE: Final = 0.5  # of a file, each time it is begun


def workload() -> Workload:
    """Dials: requests that look, sign-ins, files played, files uploaded and turned into text."""
    date, figures = measured("yoto_smart_stream")
    requests, memory_mb = figures["requests"], API_SIZE.memory_mb
    uploaded = (
        api_request(requests["ticket for an upload"], memory_mb=memory_mb, kept_kb=RECORD_KB)
        + _taken_in(requests)
        + Usage(
            object_gb=MEGABYTES * MONTHS_KEPT / 1e3,
            object_writes=OBJECT_WRITES,
            object_reads=OBJECT_READS,
            transcribed_minutes=MINUTES,
        )
    )
    played = api_request(requests["play"], memory_mb=memory_mb) + Usage(
        object_reads=1, internet_gb=MEGABYTES * PLAYED_SHARE / 1e3
    )
    return Workload(
        dials=(
            Dial("look", api_request(mean(requests, MIX), memory_mb=memory_mb)),
            Dial("sign-in", api_request(_signed_in(requests), memory_mb=memory_mb)),
            Dial("play", played),
            Dial("upload", uploaded),
        ),
        scenarios=(
            _month("Household", looks=500, sign_ins=20, played=300, uploaded=10),
            _month("Group", looks=10_000, sign_ins=400, played=10_000, uploaded=200),
            _month("Large", looks=200_000, sign_ins=5_000, played=200_000, uploaded=2_000),
        ),
        assumptions=_assumptions(date, figures),
    )


def _signed_in(requests: Mapping[str, Figures]) -> Figures:
    taken = requests["sign in"]
    return {**taken, "read_units": taken["read_units"] + MISSING_COUNTERS}


def _taken_in(requests: Mapping[str, Figures]) -> Usage:
    """The worker's part of an upload, all messages together."""
    usage = Usage(gb_seconds=gb_seconds(memory_mb=WORKER_SIZE.memory_mb, cpu_ms=0, waited_ms=COPY_SECONDS * 1000))
    for message in MESSAGES_OF_AN_UPLOAD:
        usage += worked(requests[message], memory_mb=WORKER_SIZE.memory_mb, messages=1, seconds=0)
    return usage


def _month(title: str, *, looks: int, sign_ins: int, played: int, uploaded: int) -> Scenario:
    return Scenario(title, {"look": looks, "sign-in": sign_ins, "play": played, "upload": uploaded})


def scanned_units(files: int) -> float:
    """Read units of a Scan over a library as the plan stores it, each text beside its file; eventually consistent."""
    return files * RECORD_KB / 4 * 0.5


def _assumptions(date: str, figures: Mapping[str, Any]) -> str:
    library = 500
    per_list = scanned_units(library)
    ours, example = figures["requests"][LIST]["read_units"], figures["example"]
    return f"""\
- **Measured** on {date} ([capacity.md](benchmarks/capacity.md)): requests, capacity units and CPU time of each
  request and each message to the worker, with {example["files"]:,} files and texts of {example["text_kb"]} KB. What a
  sign-in reads holds {MISSING_COUNTERS} units for counters that are not there. CPU times of the worker hold those
  of the client that uploads.
- **Assumed**, {COPY_SECONDS:.0f} s of waiting for S3 to copy an upload.
- **Assumed**, the mix of looks: {shares(MIX)}.
- **Assumed**, a file plays {MINUTES:.0f} minutes and has {MEGABYTES:.0f} MB; {PLAYED_SHARE:.0%} of it is fetched when
  it is played. Record and text take {RECORD_KB} KB, indexes included; {MONTHS_KEPT} months of them are kept.
- **Assumed**, every file is turned into text. Whoever switches that off saves most of the bill.
- **The plan that this service came from** gives no figures. It says that pay-per-request suits traffic that varies,
  which holds, and that lists and searches scan the table. With {library} files and their texts in one table that is
  {per_list:,.0f} read units for each list, where a page of 100 costs {ours:.0f} here, with the account of who asks.
- **Not counted**: a distribution of CloudFront, whose traffic takes the place of S3's where it is switched on.
"""
