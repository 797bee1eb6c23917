"""What a problem and its test cases may hold. Every check raises InvalidInput."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from typing import Any, Final

from lambda_src.errors import InvalidInput, PayloadTooLarge
from lambda_src.services.algoitny import checks
from lambda_src.services.algoitny.models.problems import Problem, ProblemBody, TestCase
from lambda_src.services.algoitny.models.users import Principal

PLATFORM: Final = re.compile("[a-z0-9_-]{1,50}")
PROBLEM_ID: Final = re.compile("[A-Za-z0-9._-]{1,50}")
TESTCASE_ID: Final = re.compile("[1-9][0-9]{0,5}|[A-Za-z][A-Za-z0-9_-]{0,39}")
URL: Final = re.compile(r"https?://[^\s\x00-\x1f\x7f]+")

MAX_TESTCASES: Final = 1000
PUTS_PER_CHUNK: Final = 99  # of a transaction's 100 actions; one counts
CHUNK_BYTES: Final = 3_500_000  # of a transaction's 4 MB
INLINE_BYTES: Final = 102_400  # from here on a test case is an object

_KIB: Final = 1024
_OF_BODY: Final = frozenset(field.name for field in fields(ProblemBody))


def may_see(principal: Principal | None, problem: Problem) -> bool:
    """Completed problems are everybody's, drafts their creator's; administrators also see what was deleted."""
    if principal is not None and principal.is_admin:
        return True
    if problem.is_deleted:
        return False
    return problem.is_completed or (principal is not None and problem.created_by == principal.user_id)


def checked_id(platform: str, problem_id: str) -> None:
    """Ids of a new problem; older ones that were moved in may have other letters."""
    checks.matching("platform", platform, PLATFORM)
    checks.matching("problem_id", problem_id, PROBLEM_ID)


def split_fields(data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What of a problem's data goes into its light and into its long item, as it is stored.

    Also raises ValueError for fields that nobody knows.
    """
    unknown = data.keys() - _CHECKS.keys()
    if unknown:
        raise ValueError(f"a problem has no {', '.join(sorted(unknown))}")
    checked = {name: _CHECKS[name](name, value) for name, value in data.items()}
    body = {name: checked.pop(name) for name in _OF_BODY & checked.keys()}
    return checked, body


def _listed(name: str, value: object, most: int) -> Sequence[Any]:
    if not isinstance(value, list | tuple) or len(value) > most:
        raise InvalidInput(f"{name}: must be a list of at most {most}")
    return value


def _hints(name: str, value: Any) -> tuple[dict[str, Any], ...]:
    hints = _listed(name, value, 5)
    if not all(isinstance(each, Mapping) and each.keys() == {"level", "hint"} for each in hints):
        raise InvalidInput("hints: each has a level and a hint")
    if len(hints) < 3 or [each["level"] for each in hints] != list(range(1, len(hints) + 1)):
        raise InvalidInput("hints: must be 3 to 5, of levels 1, 2, 3 and so on")
    texts = [checks.checked_text(name, each["hint"], least=1, characters=2000) for each in hints]
    return tuple({"level": level, "hint": text} for level, text in enumerate(texts, 1))


def _url(name: str, value: object) -> str:
    return checks.matching(name, checks.checked_text(name, value, characters=2048), URL) if value else ""


def _tags(name: str, value: object) -> tuple[str, ...]:
    return tuple(checks.checked_text(name, tag, least=1, characters=50) for tag in _listed(name, value, 50))


def _samples(name: str, value: object) -> tuple[dict[str, str], ...]:
    samples = _listed(name, value, 20)
    if not all(isinstance(each, Mapping) and each.keys() == {"input", "output"} for each in samples):
        raise InvalidInput("user_samples: each has an input and an output")
    text = partial(checks.checked_text, max_bytes=4 * _KIB)
    return tuple({part: text(f"{name}.{part}", each[part]) for part in ("input", "output")} for each in samples)


_CHECKS: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "title": partial(checks.checked_text, least=1, characters=255),
    "problem_url": _url,
    "tags": _tags,
    "language": partial(checks.checked_text, characters=100),
    "solution_model": partial(checks.checked_text, characters=100),
    "review_notes": partial(checks.checked_text, characters=4000),
    "solution_code": partial(checks.checked_text, max_bytes=64 * _KIB),
    "generator_code": partial(checks.checked_text, max_bytes=64 * _KIB),
    "constraints": partial(checks.checked_text, max_bytes=32 * _KIB),
    "user_samples": _samples,
    "hints": _hints,
    "metadata": partial(checks.checked_map, max_bytes=16 * _KIB),
    **dict.fromkeys(
        ("is_completed", "needs_review", "verified_by_admin", "reviewed_at", "created_by"), lambda _, value: value
    ),
}


def sort_id(testcase_id: str) -> str:
    """The id of a test case as it stands in its key: numbers in their order, names behind them."""
    return testcase_id.zfill(6) if testcase_id.isdecimal() else testcase_id


def new_testcase(platform: str, problem_id: str, data: Mapping[str, Any], now_ms: int) -> TestCase:
    """A test case to be stored in its item. data: testcase_id, input, and output where it is known.

    Also raises PayloadTooLarge for one that does not fit there.
    """
    name = checks.matching("testcase_id", data.get("testcase_id"), TESTCASE_ID)
    given, expected = (checks.checked_text(each, data.get(each) or "") for each in ("input", "output"))
    input_bytes, output_bytes = len(given.encode()), len(expected.encode())
    if input_bytes + output_bytes >= INLINE_BYTES:
        raise PayloadTooLarge(f"Test case {name} has {INLINE_BYTES} bytes or more")
    content = json.dumps({"input": given, "output": expected}, separators=(",", ":"), ensure_ascii=False)
    return TestCase(
        platform=platform, problem_id=problem_id, sort_id=sort_id(name), created_at=now_ms, updated_at=now_ms,
        input=given, output=expected, input_bytes=input_bytes, output_bytes=output_bytes,
        sha256=hashlib.sha256(content.encode()).hexdigest(),
        output_state="missing" if data.get("output") is None else "ready",
    )  # fmt: skip


def chunks(testcases: Sequence[TestCase]) -> list[list[TestCase]]:
    """What can be written in one transaction each, in their order."""
    found: list[list[TestCase]] = []
    size = 0
    for each in testcases:
        own = each.input_bytes + each.output_bytes + 2 * _KIB  # what else an item holds is below that
        if not found or len(found[-1]) == PUTS_PER_CHUNK or size + own > CHUNK_BYTES:
            found.append([])
            size = 0
        found[-1].append(each)
        size += own
    return found
