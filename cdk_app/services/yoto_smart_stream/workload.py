"""The traffic of Yoto Smart Stream: people who look through a library, players that play, files that are uploaded.

Nothing of it is measured yet: requests and units are those that `tables.py` states of each access pattern.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cdk_app.services.workloads import (
    MONTHS_KEPT,
    Dial,
    Figures,
    Scenario,
    Usage,
    Workload,
    api_request,
    mean,
    shares,
    worked,
)
from cdk_app.services.yoto_smart_stream.stacks import API_SIZE, WORKER_SIZE

CPU_MS: Final = 10  # of a request that computes nothing; what those of the other services take
PASSWORD_MS: Final = 21  # of a password with the parameters of new hashes
WORK_MS: Final = 50  # of a message


def _asks(requests: float, *, reads: float = 0, writes: float = 0, cpu_ms: float = CPU_MS) -> Figures:
    return MappingProxyType({"requests": requests, "read_units": reads, "write_units": writes, "cpu_ms": cpu_ms})


# Each with the account of who asks, a consistent read of one item.
REQUESTS: Final[Mapping[str, Figures]] = MappingProxyType(
    {
        "list, 100 files": _asks(2, reads=1 + 5),
        "search by name, 1,000 files looked at": _asks(6, reads=1 + 50),
        "a file with its text of 10 KB": _asks(2, reads=1 + 4),
    }
)
MIX: Final[Mapping[str, float]] = MappingProxyType(
    {"list, 100 files": 0.5, "search by name, 1,000 files looked at": 0.2, "a file with its text of 10 KB": 0.3}
)
PLAYED: Final = _asks(2, reads=2)  # link, then file
SIGNED_IN: Final = _asks(4, reads=3, writes=2, cpu_ms=CPU_MS + PASSWORD_MS)  # throttle, account, sign-in
# Ticket, then the events of an upload and of a transcription, which the worker takes in.
TICKET: Final = _asks(2, reads=1, writes=1)
TAKEN_IN: Final = _asks(8, reads=5, writes=11 + 7 + 7 + 20, cpu_ms=3 * WORK_MS)
MESSAGES_OF_AN_UPLOAD: Final = 3  # the event of S3, the job, the event of Amazon Transcribe
COPY_SECONDS: Final = 3.0  # of waiting for S3
OBJECT_WRITES: Final = 3  # the upload, its copy, the text as Amazon Transcribe writes it
OBJECT_READS: Final = 5  # head, first bytes and copy of the upload; Amazon Transcribe's own read; the text
MINUTES: Final = 15.0  # that a file plays
MEGABYTES: Final = 15.0  # at 128 kbit/s
RECORD_KB: Final = 12  # with its index entries and a text of 10 KB
PLAYED_SHARE: Final = 0.5  # of a file, each time it is begun


def workload() -> Workload:
    """Dials: requests that look, sign-ins, files played, files uploaded and turned into text."""
    memory_mb = API_SIZE.memory_mb
    uploaded = (
        api_request(TICKET, memory_mb=memory_mb, kept_kb=RECORD_KB)
        + worked(TAKEN_IN, memory_mb=WORKER_SIZE.memory_mb, messages=MESSAGES_OF_AN_UPLOAD, seconds=COPY_SECONDS)
        + Usage(
            object_gb=MEGABYTES * MONTHS_KEPT / 1e3,
            object_writes=OBJECT_WRITES,
            object_reads=OBJECT_READS,
            transcribed_minutes=MINUTES,
        )
    )
    played = api_request(PLAYED, memory_mb=memory_mb) + Usage(
        object_reads=1, internet_gb=MEGABYTES * PLAYED_SHARE / 1e3
    )
    return Workload(
        dials=(
            Dial("look", api_request(mean(REQUESTS, MIX), memory_mb=memory_mb)),
            Dial("sign-in", api_request(SIGNED_IN, memory_mb=memory_mb)),
            Dial("play", played),
            Dial("upload", uploaded),
        ),
        scenarios=(
            _month("Household", looks=500, sign_ins=20, played=300, uploaded=10),
            _month("Group", looks=10_000, sign_ins=400, played=10_000, uploaded=200),
            _month("Large", looks=200_000, sign_ins=5_000, played=200_000, uploaded=2_000),
        ),
        assumptions=_assumptions(),
    )


def _month(title: str, *, looks: int, sign_ins: int, played: int, uploaded: int) -> Scenario:
    return Scenario(title, {"look": looks, "sign-in": sign_ins, "play": played, "upload": uploaded})


def scanned_units(files: int) -> float:
    """Read units of a Scan over a library as the plan stores it, each text beside its file; eventually consistent."""
    return files * RECORD_KB / 4 * 0.5


def _assumptions() -> str:
    library = 500
    per_list = scanned_units(library)
    ours = REQUESTS["list, 100 files"]["read_units"]
    return f"""\
- **Stated, not measured**: requests and capacity units are those that `tables.py` gives for each access pattern.
- **Assumed**, {CPU_MS} ms of CPU for a request, {PASSWORD_MS} ms more for a password, {WORK_MS} ms for a message.
- **Assumed**, the mix of looks: {shares(MIX)}.
- **Assumed**, a file plays {MINUTES:.0f} minutes and has {MEGABYTES:.0f} MB; {PLAYED_SHARE:.0%} of it is fetched when
  it is played. Record and text take {RECORD_KB} KB, indexes included; {MONTHS_KEPT} months of them are kept.
- **Assumed**, every file is turned into text. Whoever switches that off saves most of the bill.
- **The plan that this service came from** gives no figures. It says that pay-per-request suits traffic that varies,
  which holds, and that lists and searches scan the table. With {library} files and their texts in one table that is
  {per_list:,.0f} read units for each list, where a page of 100 costs {ours:.0f} here, with the account of who asks.
- **Not counted**: a distribution of CloudFront, whose traffic takes the place of S3's where it is switched on.
"""
