"""What stops a migration, and the exit code it ends with."""

from collections.abc import Mapping
from typing import ClassVar, Final

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
REFUSED: Final = 3
DIFFERENCES: Final = 4
NOT_READ: Final = 5
ROWS_REJECTED: Final = 6
EXIT_CODES: Final[Mapping[int, int]] = {NOT_READ: FAILED, ROWS_REJECTED: FAILED}
"""What a process ends with where that is not the number itself; a kind of source may have others."""


class MigrationError(Exception):
    """Stops the command. Its text is for the operator: what happened, and what to do about it."""

    exit_code: ClassVar[int] = FAILED


class Refused(MigrationError):
    """The migration is in a state in which this must not be done."""

    exit_code = REFUSED


class TakenOver(Refused):
    """Another run goes on with this migration; what it reached is told by that one."""


class SourceFailed(MigrationError):
    """The source cannot be reached, or is not what the mapping expects."""

    exit_code = NOT_READ


class BadDocument(SourceFailed):
    """A file is missing, was changed or cut off since it was written, or is not what it should be."""

    exit_code = REFUSED


class RowsRejected(MigrationError):
    """Rows would stay behind, and nobody said that they may."""

    exit_code = ROWS_REJECTED


class TargetFailed(MigrationError):
    """DynamoDB cannot be reached, or refuses."""


class BadUsage(MigrationError):
    """An option or variable is missing or wrong."""

    exit_code = USAGE
