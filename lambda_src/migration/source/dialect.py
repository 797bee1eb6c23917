"""What differs between databases, in seven questions."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Final

import sqlalchemy as sa

from lambda_src.migration.mapping import Kind
from lambda_src.migration.source.address import Address
from lambda_src.migration.source.findings import Finding

CONNECT_SECONDS: Final = 10
ANSWER_SECONDS: Final = (
    300  # the longest wait for one answer: counting the rows of a large table is the slowest question
)


class Dialect(ABC):
    """How one kind of database is asked."""

    texts: ClassVar[type[sa.types.TypeEngine[str]]]
    """What a decimal, a date or a time is cast to, so that it arrives as the database writes it, whatever its value."""

    rows_per_fetch: ClassVar[int] = 1_000

    @abstractmethod
    def engine(self, address: Address) -> sa.Engine:
        """An engine without a pool, with a time limit on connecting and on waiting for answers."""

    @abstractmethod
    def reading(self, connection: sa.Connection) -> AbstractContextManager[object]:
        """A read-only transaction whose every question sees the same instant, in UTC."""

    @abstractmethod
    def facts(self, connection: sa.Connection) -> Mapping[str, str]:
        """What a report should say of the server: version, character sets, time zone."""

    @abstractmethod
    def remarks(self, connection: sa.Connection, tables: Sequence[str]) -> Sequence[Finding]:
        """What only this kind of database can have wrong with its tables."""

    @abstractmethod
    def is_passing(self, error: BaseException) -> bool:
        """Whether an error of the driver, other than a lost connection, goes away when all is read again."""

    @abstractmethod
    def is_stranger(self, error: BaseException) -> bool:
        """Whether the server does not know this user with this password."""

    def abandon(self, answers: sa.CursorResult[Any]) -> None:
        """Let go of answers that were not all taken."""
        answers.close()

    def selected(self, column: sa.ColumnClause[Any], kind: Kind) -> sa.ColumnElement[Any]:
        """A column as it is selected: text, integer or NULL for the driver, never a date, a decimal or a boolean."""
        match kind:
            case "decimal" | "datetime" | "date":
                return sa.cast(column, self.texts).label(column.name)
            case "boolean":
                return sa.cast(column, sa.Integer).label(column.name)
            case _:
                return column


def answers(connection: sa.Connection, questions: Mapping[str, str]) -> dict[str, str]:
    """What the server says to expressions of SQL, by their names. 1 request."""
    row = connection.exec_driver_sql(f"SELECT {', '.join(questions.values())}").one()
    return {name: str(value) for name, value in zip(questions, row, strict=True)}
