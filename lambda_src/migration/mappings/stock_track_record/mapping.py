"""Stock Track Record: channels, shares, videos, mentions and log lines, from MySQL.

rows     the tables of MySQL, and what each row is prepared to
values   what becomes of single values
items    the items that follow, and the way back

MySQL compares ids without case by default, so a row may name its parent in another spelling: ids are lower case here.
"""

from functools import partial
from typing import Final

from lambda_src.migration.mapping import Decisions, ServiceMapping
from lambda_src.migration.mappings.stock_track_record.items import owns, restore, streams
from lambda_src.migration.mappings.stock_track_record.rows import sources
from lambda_src.services.stock_track_record.models import DEFAULT_EXCLUDED, excluded_in
from lambda_src.services.stock_track_record.tables import MAIN, TABLES

DEFAULT_EXCLUDED_TICKERS: Final = ",".join(sorted(DEFAULT_EXCLUDED))
_TAKEN_ALIASES: Final = """
SELECT n FROM (
  SELECT n, alias, ROW_NUMBER() OVER (PARTITION BY alias ORDER BY created_at, id) AS place
  FROM channels WHERE reject IS NULL AND alias IS NOT NULL
) WHERE place > 1 OR alias IN (SELECT youtube_channel_id FROM channels WHERE reject IS NULL)
"""


def mapping(*, requeue: bool = False, excluded_tickers: str = DEFAULT_EXCLUDED_TICKERS) -> ServiceMapping:
    """What becomes of the rows of Stock Track Record.

    requeue: channels whose analysis waited or was under way are queued again; else they are cancelled, since no worker
    has them. excluded_tickers: those that are never stored, with commas between, as in `EXCLUDED_TICKERS` of the
    worker.
    """
    excluded = excluded_in(excluded_tickers)
    tables = sources(requeue=requeue, excluded=excluded)
    return ServiceMapping(
        service="stock_track_record",
        dialects=("mysql",),
        sources=tables,
        streams=streams(requeue=requeue),
        tables=TABLES,
        state_table=MAIN,
        owns=partial(owns, requeue=requeue),
        restore=partial(restore, columns={table.name: table.columns for table in tables}),
        settle=_free_taken_aliases,
        variant=f"requeue={requeue} excluded={','.join(sorted(excluded))}",
    )


def _free_taken_aliases(decisions: Decisions) -> None:
    """A name is that of the channel known by it, else of the oldest whose address holds it."""
    for row in list(decisions.rows(_TAKEN_ALIASES)):
        decisions.change("channels", int(row["n"] or 0), {"alias": None})
