"""Tables that the first version on DynamoDB wrote: every channel gets today's layout, and the list its count.

To be run before the API is opened. May be stopped at any point and run again: a channel is done once it has its
`layout`, and the count is set at the end.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from lambda_src.dynamo.store import Put, Store
from lambda_src.migration.errors import DIFFERENCES, DONE
from lambda_src.migration.phases.job import Job
from lambda_src.migration.report import Report
from lambda_src.migration.reports import Outcome
from lambda_src.runtime.clock import Clock, utc_now
from lambda_src.runtime.deadline import Deadline
from lambda_src.services.stock_track_record.legacy import LayoutUpgrade, Upgraded
from lambda_src.services.stock_track_record.models import ChannelId, Counter
from lambda_src.services.stock_track_record.tables import (
    CHANNEL_BY_ID,
    CHANNELS_NEWEST_FIRST,
    COUNTER,
    SET_LISTED_CHANNEL_COUNT,
)

_NEVER: Final = Deadline(math.inf)


@dataclass(frozen=True, slots=True)
class UpgradeReport:
    """What became of the channels on the list.

    listed: all of them, as the counter says now. upgraded: those of this run. doubles: channels whose YouTube identity
    another one holds; they are left as they are, and somebody deletes one of each two.
    """

    listed: int
    upgraded: int
    doubles: tuple[ChannelId, ...]

    @property
    def exit_code(self) -> int:
        return DIFFERENCES if self.doubles else DONE


def upgrade_phase(job: Job, title: str) -> Outcome:
    """Stock Track Record, on tables that its first version on DynamoDB wrote: bring every channel to today's layout."""
    with job.progress.step("Upgrading channels") as advance:
        done = upgrade_layout(job.place.store, advance=advance)
    report = Report(title)
    report.facts("Channels", {"listed": done.listed, "upgraded now": done.upgraded, "doubles": len(done.doubles)})
    text = "Another channel has the same identity on YouTube. They are as they were; delete one of each two."
    report.table("Doubles", ("Channel",), [(channel_id,) for channel_id in done.doubles], text=text)
    report.verdict = "Every channel has today's layout." if not done.doubles else "Doubles are left: see above."
    return report, done.exit_code


def upgrade_layout(
    store: Store, *, clock: Clock = utc_now, advance: Callable[[int], None] = lambda _: None
) -> UpgradeReport:
    """Upgrade every listed channel, one after the other, and set the counter. advance: called with 1 for each.

    Holds a page of channels and the videos of one in memory. 1 Query per MB of channels; per channel of the first
    version 1 GetItem, 1 Query and 1 transaction, per video of it 1 Query and 3 transactions, 1 more per further 48
    mentions.
    """
    upgrade = LayoutUpgrade(store, clock)
    listed = upgraded = 0
    doubles: list[ChannelId] = []
    for channel_id, is_done in _listed_channels(store):
        outcome = "done" if is_done else _upgrade(upgrade, channel_id)
        upgraded += outcome == "done" and not is_done
        listed += outcome != "gone"
        if outcome == "double":
            doubles.append(channel_id)
        advance(1)
    # The item is replaced rather than added to: whatever a run before this one counted, it was the same list.
    store.put(SET_LISTED_CHANNEL_COUNT, Put(COUNTER, Counter(listed)))
    return UpgradeReport(listed, upgraded, tuple(doubles))


def _upgrade(upgrade: LayoutUpgrade, channel_id: ChannelId) -> Upgraded:
    channel = upgrade.store.get(CHANNEL_BY_ID, id=channel_id)
    if channel is None or channel.deleting:
        return "gone"
    return upgrade.upgrade_channel(channel, _NEVER) if channel.layout is None else "done"


def _listed_channels(store: Store) -> Iterator[tuple[ChannelId, bool]]:
    """Every channel on the list, and whether it has today's layout already."""
    for item in store.rows(CHANNELS_NEWEST_FIRST, "id", "layout"):
        yield ChannelId(item["id"]), "layout" in item
