"""What was counted, for users, for everybody, and for administrators who have it counted anew."""

from dataclasses import dataclass
from datetime import timedelta

from lambda_src.dynamo.store import Store
from lambda_src.runtime.clock import Clock, epoch_ms
from lambda_src.services.algoitny import tables
from lambda_src.services.algoitny.errors import UserNotFound
from lambda_src.services.algoitny.models.statistics import UserStats
from lambda_src.services.algoitny.statistics.repository import UserStatsRepository
from lambda_src.services.algoitny.statistics.rules import hour_of


@dataclass(frozen=True, slots=True)
class RecentRuns:
    """Public runs of so many hours, the one that has begun among them. as_of: milliseconds."""

    hours: int
    count: int
    as_of: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """stats: reads and counts those of single users."""

    store: Store
    stats: UserStatsRepository
    clock: Clock

    def recent_public_runs(self, hours: int) -> RecentRuns:
        """How many runs that are public now were made in the current hour and those before it. hours: 1-168.

        Raises ValueError. 1 request per UTC date, 8 at most; seconds behind, as the stream is.
        """
        if not 1 <= hours <= 168:
            raise ValueError("hours must be 1 to 168")
        now = self.clock()
        wanted = {hour_of(epoch_ms(now - timedelta(hours=back))) for back in range(hours)}
        found = (
            bucket
            for date in sorted({date for date, _ in wanted})
            for bucket in self.store.items(
                tables.PUBLIC_HOURS, date=date, hour=min(hour for day, hour in wanted if day == date)
            )
        )
        count = sum(bucket.value for bucket in found if (bucket.date, bucket.hour) in wanted)
        return RecentRuns(hours, max(0, count), epoch_ms(now))

    def rebuild(self, user_id: int) -> UserStats:
        """Count what a user did anew, see `UserStatsRepository.rebuild`. Raises UserNotFound."""
        if self.store.get(tables.GET_USER_BY_ID, user_id=user_id) is None:
            raise UserNotFound
        return self.stats.rebuild(user_id)
