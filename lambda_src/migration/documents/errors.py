"""What stops a command on documents, and the exit codes of these commands."""

from typing import ClassVar, Final

from lambda_src.migration.errors import MigrationError

DONE: Final = 0
MISMATCH: Final = 1
REJECTS: Final = 2
PRECONDITION: Final = 3


class BadDocument(MigrationError):
    """A file is missing, was changed or cut off since it was written, or is not what it should be."""

    exit_code: ClassVar[int] = PRECONDITION
