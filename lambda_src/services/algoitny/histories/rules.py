"""Where runs stand in public lists, and what becomes of the outputs of a run."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from lambda_src.errors import InvalidInput
from lambda_src.services.algoitny.models.histories import CaseStatus, History, TestResult, Verdict
from lambda_src.services.algoitny.models.problems import TestCase
from lambda_src.services.algoitny.models.stored import shard_of
from lambda_src.services.algoitny.models.users import Principal

HISTORY_ID: Final = re.compile("[0-9]{1,19}|[0-9A-HJKMNP-TV-Z]{26}")
IDEMPOTENCY_KEY: Final = re.compile("[ -~]{1,200}")
LANGUAGES: Final = ("python", "javascript", "cpp", "java")
_ALIASES: Final[Mapping[str, str]] = {"python3": "python", "node": "javascript", "c++": "cpp"}

CODE_BYTES: Final = 65_536
OUTPUT_BYTES: Final = 4_194_304
SHOWN_CHARACTERS: Final = 1024  # of an output, an input and an expected output
ERROR_CHARACTERS: Final = 2000
INLINE_RESULT_BYTES: Final = 10_240  # as JSON; longer results are an object

_UNSPREAD: Final = "PUBLIC"


@dataclass(frozen=True, slots=True)
class Spread:
    """How public lists are spread over partitions, so that no single one takes all writes.

    shards: that are written. read_shards: that are read, at least as many. reads_unspread: also the list as it was
    before it was spread. To write to more, first let all readers read them; to fewer, first let all writers write so.
    """

    shards: int
    read_shards: int
    reads_unspread: bool = False

    def place(self, history_id: str) -> tuple[int, str]:
        """The shard of a run, and its partition of the timeline."""
        shard = shard_of(history_id, self.shards)
        return shard, _UNSPREAD if self.shards == 1 else f"{_UNSPREAD}#{shard}"

    def timelines(self) -> list[str]:
        """Every partition in which there may be public runs."""
        spread = [f"{_UNSPREAD}#{shard}" for shard in range(self.read_shards)] if self.read_shards > 1 else []
        return [*spread, _UNSPREAD] if self.shards == 1 or self.reads_unspread else spread


def is_own(run: History, caller: Principal | None) -> bool:
    """Whether the caller made a run, or may see all that belongs to any."""
    return caller is not None and (caller.is_admin or caller.user_id == run.user_id)


def canonical_language(text: str) -> str:
    """A language by its own name, in lower case."""
    lower = text.lower()
    return _ALIASES.get(lower, lower)


def runnable_language(text: str) -> str:
    """The language of new code. Raises InvalidInput for one that nobody runs."""
    language = canonical_language(text)
    if language not in LANGUAGES:
        raise InvalidInput(f"language: must be one of {', '.join(LANGUAGES)}")
    return language


# ---- outcomes --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Output:
    """What a program wrote for a test case. error: where it ended with one."""

    test_case_id: str
    output: str
    error: str = ""


def compared(outputs: Sequence[Output], cases: Mapping[str, TestCase]) -> tuple[TestResult, ...]:
    """How each output does against what is expected. Raises InvalidInput for what there is nothing to compare with."""
    expected = {name: case.output for name, case in cases.items() if case.output_state != "missing"}
    missing = [each.test_case_id for each in outputs if each.test_case_id not in expected]
    if missing:
        raise InvalidInput(f"outputs: there is no expected output for {', '.join(missing[:10])}")
    if len({each.test_case_id for each in outputs}) < len(outputs):
        raise InvalidInput("outputs: a test case has one output")
    return tuple(_result(each, expected[each.test_case_id]) for each in outputs)


def _result(given: Output, expected: str) -> TestResult:
    passed = not given.error and _lines(given.output) == _lines(expected.removeprefix("\ufeff"))
    status: CaseStatus = "error" if given.error else "success"
    output, is_cut = cut(given.output)
    return TestResult(given.test_case_id, passed, output, given.error[:ERROR_CHARACTERS], status, is_cut)


def _lines(text: str) -> list[str]:
    """The lines that count: without blanks at their ends, and without empty ones at the end of all.

    A line ends at a line feed and nowhere else: `str.splitlines` would also end one at a form feed, say.
    """
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def cut(text: str) -> tuple[str, bool]:
    """What is kept or shown of a text, and whether that is not all of it."""
    return text[:SHOWN_CHARACTERS], len(text) > SHOWN_CHARACTERS


def verdict(results: Sequence[TestResult]) -> Verdict:
    """What a run came to: an error where no program ran to its end."""
    if all(each.passed for each in results):
        return "passed"
    return "failed" if any(each.status == "success" for each in results) else "error"


def results_key(history_id: str, created_at: int) -> str:
    """Where long results are stored: by the day of the run, in UTC."""
    return f"results/{datetime.fromtimestamp(created_at / 1000, UTC):%Y/%m/%d}/{history_id}.json.gz"
