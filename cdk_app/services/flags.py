"""What somebody may switch on at the command line: `cdk deploy -c <flag>=<value>`, for one synthesis.

A service declares its flags, each a field of `Environment` of the same name. What is not given stays as the environment
has it; `cdk.json` may hold a flag, too, there as JSON.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from cdk_app.environments import Environment

SWITCH: Final[Mapping[str, bool]] = MappingProxyType(
    {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
)
PLAIN_TEXT: Final = re.compile(r"[!-~]{0,256}")


class FlagRefused(ValueError):
    """A flag was given a value that it does not take; the message names both, and what it takes."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A field of `Environment` that the command line may set. is_switch: on or off, else a text without spaces."""

    name: str
    is_switch: bool = True

    def read(self, given: object) -> bool | str:
        """The value of what was given. Raises FlagRefused."""
        if not self.is_switch:
            if isinstance(given, str) and PLAIN_TEXT.fullmatch(given):
                return given
            raise FlagRefused(f"{self.name} is {given!r}; it takes a text of up to 256 visible ASCII characters")
        if isinstance(given, bool):
            return given
        value = SWITCH.get(given.lower()) if isinstance(given, str) else None
        if value is None:
            raise FlagRefused(f"{self.name} is {given!r}; it takes one of: {', '.join(SWITCH)}")
        return value


def with_flags(environment: Environment, flags: Iterable[Flag], asked: Callable[[str], object]) -> Environment:
    """An environment with the flags that were given. asked: the value of a name, None for none.

    Raises FlagRefused, and UnsafeEnvironment for what the environment cannot have.
    """
    given = {flag.name: flag.read(value) for flag in flags if (value := asked(flag.name)) is not None}
    changes: dict[str, Any] = given
    return replace(environment, **changes) if changes else environment
