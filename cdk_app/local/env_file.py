"""`.env`: read as strictly as settings are, because a key with a misspelt name would go unnoticed among stand-ins."""

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from cdk_app.local.layout import LocalCloudError


def read_env_file(path: Path, known: Collection[str]) -> dict[str, str]:
    """The variables of a file, which need not exist. known: the only names it may hold.

    Raises LocalCloudError with the number of each line that cannot be meant. What stands in such a line is not
    repeated: it may be a key.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors put a byte order mark in front
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise LocalCloudError(f"{path} cannot be read as text: {type(error).__name__}") from error
    mistakes = list(_mistakes(text, known))
    if mistakes:
        raise LocalCloudError("\n".join([f"{path} is not right:", *mistakes, f"It may hold: {', '.join(known)}"]))
    return {name: (value or "").strip() for name, value in dotenv_values(stream=StringIO(text)).items()}


def _mistakes(text: str, known: Collection[str]) -> Iterator[str]:
    for binding in parse_stream(StringIO(text)):
        written = binding.original.string
        blank_lines = written[: len(written) - len(written.lstrip())].count("\n")  # those in front are part of it
        line = f"  line {binding.original.line + blank_lines}"
        if binding.error or (binding.key is not None and binding.value is None):
            yield f"{line} is not NAME=value, or does not close a quote"
        elif binding.key is not None and binding.key not in known:
            similar = get_close_matches(binding.key.upper(), known, n=1)
            yield f"{line} has an unknown name{f'; {similar[0]} is meant?' if similar else ''}"
