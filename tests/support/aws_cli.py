"""A stand-in for the AWS CLI, run as a program: it answers from a file, and knows `--query` and `--output`.

Its answers are what AWS documents for each operation, so that a query that fits another shape shows. Every call is
noted with what it says about whom it reaches. Folder `AWS_CLI_SCENE`: `answers.json` (`"service operation"` to an
answer, or to several that follow each other, the last for ever; `{"error": text}` fails), `calls.jsonl`.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import jmespath  # type: ignore[import-untyped] # comes with boto3

NOTED = ("AWS_PROFILE", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN")


def main(scene: Path, arguments: list[str]) -> int:
    """Answer one call and return its exit code."""
    answers = json.loads((scene / "answers.json").read_text())
    if arguments == ["--version"]:
        sys.stdout.write(f"{answers['version']}\n")
        return 0
    endpoint = None
    if arguments[0] == "--endpoint-url":
        endpoint, arguments = arguments[1], arguments[2:]
    operation, options = " ".join(arguments[:2]), arguments[2:]
    earlier = _note(scene, operation, options, endpoint)
    found = answers.get(operation, {})
    answer = found[min(earlier, len(found) - 1)] if isinstance(found, list) else found
    if "error" in answer:
        sys.stderr.write(f"An error occurred: {answer['error']}\n")
        return 254
    value = jmespath.search(_option(options, "--query") or "@", answer)
    shown = _text(value) if _option(options, "--output") == "text" else json.dumps(value)
    sys.stdout.write(f"{shown}\n" if shown else "")
    return 0


def _note(scene: Path, operation: str, options: list[str], endpoint: str | None) -> int:
    """Write the call down; returns how many of its kind came before."""
    calls = scene / "calls.jsonl"
    earlier = [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []
    environment = {name: os.environ[name] for name in NOTED if name in os.environ}
    secret = _option(options, "--secret-string")
    content = Path(secret.removeprefix("file://")).read_text() if secret else None
    note = {
        "operation": operation,
        "options": options,
        "endpoint": endpoint,
        "environment": environment,
        "content": content,
    }
    with calls.open("a") as file:
        file.write(json.dumps(note) + "\n")
    return sum(call["operation"] == operation for call in earlier)


def _option(options: list[str], name: str) -> str | None:
    return options[options.index(name) + 1] if name in options else None


def _text(value: Any) -> str:
    """As `--output text` prints: a list in a line, with tabs; lists of lists a line each.

    https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-output-format.html#text-output
    """
    if isinstance(value, list) and any(isinstance(each, list) for each in value):
        return "\n".join(_text(each) for each in value)
    if isinstance(value, list):
        return "\t".join(_text(each) for each in value)
    return str(value)


if __name__ == "__main__":
    sys.exit(main(Path(os.environ["AWS_CLI_SCENE"]), sys.argv[1:]))
