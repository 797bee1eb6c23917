"""The way back: the rows that the items in the tables say they were made of."""

from collections.abc import Callable, Iterator

from lambda_src.dynamo.values import from_item
from lambda_src.migration.errors import MigrationError
from lambda_src.migration.mapping import Restored
from lambda_src.migration.target.meeting import is_foreign
from lambda_src.migration.target.place import Place, key_text
from lambda_src.migration.target.scan import pages


def _refuse(sentence: str) -> None:
    raise MigrationError(sentence)


def restored_rows(
    place: Place,
    *,
    of_ours: bool = False,
    on_items: Callable[[int], None] = lambda _: None,
    on_unreadable: Callable[[str], None] = _refuse,
) -> Iterator[Restored]:
    """Every row, in no order; nothing for items that repeat what others say. Costs a Scan of each table.

    of_ours: leave out what others wrote where the migration lets that stay. on_unreadable: told of an item that lacks
    what its kind has; unless given, that is a MigrationError.
    """
    for table in place.tables():
        for page in pages(place, table):
            for item in page:
                if of_ours and is_foreign(place, item):
                    continue
                try:
                    row = place.mapping.restore(table, from_item(item))
                except (KeyError, TypeError, ValueError, ArithmeticError) as exc:  # Decimal's are of the last
                    key = " / ".join(key_text(table, item).values())
                    why = "" if place.mapping.confidential else f": {exc}"  # which may quote a value
                    on_unreadable(f"{table.name}, {key}: it is no item of the service ({type(exc).__name__}{why})")
                    continue
                if row is not None:
                    yield row
            on_items(len(page))
