"""What sample people are at: forty problems about sequences of numbers, and runs of programs that solve them or nearly.

Nothing here is drawn by lot, so that every local cloud tells the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

type Rule = Callable[[list[int]], int]

RULES: Final[dict[str, Rule]] = {
    "Sum of the row": sum,
    "Smallest of the row": min,
    "Largest of the row": max,
    "Span of the row": lambda row: max(row) - min(row),
    "Even ones": lambda row: sum(number % 2 == 0 for number in row),
    "Odd ones": lambda row: sum(number % 2 for number in row),
    "Different ones": lambda row: len(set(row)),
    "Sum of squares": lambda row: sum(number * number for number in row),
    "Up the stairs": lambda row: sum(left < right for left, right in pairwise(row)),
    "Both ends": lambda row: row[0] + row[-1],
}
ROWS: Final = ((3, 1, 4, 1, 5), (2, 7, 1, 8), (1, 6, 1, 8, 0, 3), (9,), (5, 5, 5, 5))
PLATFORMS: Final = ("baekjoon", "codeforces")
TAGS: Final = ("implementation", "math", "greedy", "sorting")
SIZES: Final = 2  # of each rule: with few numbers, and with many
CODE: Final = {
    "python": "import sys\n\nrow = [int(word) for word in sys.stdin.read().split()[1:]]\nprint({0}(row))\n",
    "javascript": 'const row = require("fs").readFileSync(0, "utf8").split(/\\s+/).slice(1).map(Number);\n'
    "console.log({0}(row));\n",
    "cpp": "#include <iostream>\n#include <vector>\n\nint main() {{\n  int n;\n  std::cin >> n;\n"
    "  std::vector<long long> row(n);\n  for (auto& each : row) std::cin >> each;\n"
    "  std::cout << {0}(row) << '\\n';\n}}\n",
    "java": "import java.util.Scanner;\n\nclass Main {{\n  public static void main(String[] arguments) {{\n"
    "    var in = new Scanner(System.in);\n    var row = new long[in.nextInt()];\n"
    "    for (int i = 0; i < row.length; i++) row[i] = in.nextLong();\n"
    "    System.out.println({0}(row));\n  }}\n}}\n",
}
LANGUAGES: Final = tuple(CODE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleProblem:
    """A problem as somebody would register it. cases: input and output of each test case, numbered from 1."""

    platform: str
    problem_id: str
    title: str
    tags: tuple[str, ...]
    rule: str
    cases: tuple[tuple[str, str], ...]


def _problem(platform: str, number: int, title: str, size: int) -> SampleProblem:
    rule, many = RULES[title], size * 10 + 1
    rows = [list(row) * many for row in ROWS]
    return SampleProblem(
        platform=platform,
        problem_id=f"{1000 + number}" if platform == "baekjoon" else f"{1500 + number}{'AB'[size]}",
        title=f"{title}, {('a few', 'many')[size]}",
        tags=(TAGS[number % len(TAGS)],),
        rule="".join(word.capitalize() for word in title.split()),
        cases=tuple((f"{len(row)}\n{' '.join(map(str, row))}\n", f"{rule(row)}\n") for row in rows),
    )


PROBLEMS: Final = tuple(
    _problem(platform, 2 * number + size, title, size)
    for platform in PLATFORMS
    for number, title in enumerate(RULES)
    for size in range(SIZES)
)


def run(number: int) -> dict[str, Any]:
    """The `number`th run, as a client sends it: seven of ten pass, three of five are public."""
    problem = PROBLEMS[number * 7 % len(PROBLEMS)]
    language = LANGUAGES[number % len(LANGUAGES)]
    wrong = number % 10 in {2, 5, 8}
    outputs = [{"test_case_id": str(place), "output": out} for place, (_, out) in enumerate(problem.cases, 1)]
    if wrong:
        outputs[number % len(outputs)]["output"] = "0 \n"
    return {
        "platform": problem.platform,
        "problem_id": problem.problem_id,
        "language": language,
        "code": CODE[language].format(problem.rule),
        "outputs": outputs,
        "is_code_public": number % 5 < 3,
    }
