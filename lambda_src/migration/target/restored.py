"""The way back: the rows that the items in the tables say they were made of."""

from collections.abc import Callable, Iterator

from lambda_src.dynamo.values import from_item
from lambda_src.migration.mapping import Restored
from lambda_src.migration.target.place import Place
from lambda_src.migration.target.scan import pages


def restored_rows(place: Place, *, on_items: Callable[[int], None] = lambda _: None) -> Iterator[Restored]:
    """Every row, in no order; nothing for items that repeat what others say. Costs a Scan of each table."""
    for table in place.tables():
        for page in pages(place, table):
            for item in page:
                row = place.mapping.restore(table, from_item(item))
                if row is not None:
                    yield row
            on_items(len(page))
