"""What stops a migration, and the exit code it ends with."""

from typing import ClassVar, Final

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
REFUSED: Final = 3
DIFFERENCES: Final = 4


class MigrationError(Exception):
    """Stops the command. Its text is for the operator: what happened, and what to do about it."""

    exit_code: ClassVar[int] = FAILED


class Refused(MigrationError):
    """The migration is in a state in which this must not be done."""

    exit_code = REFUSED


class TakenOver(Refused):
    """Another run goes on with this migration; what it reached is told by that one."""


class SourceFailed(MigrationError):
    """The SQL database cannot be reached, or is not what the mapping expects."""


class TargetFailed(MigrationError):
    """DynamoDB cannot be reached, or refuses."""


class BadUsage(MigrationError):
    """An option or variable is missing or wrong."""

    exit_code = USAGE
