"""What was counted, for users and for everybody."""

from datetime import timedelta

from lambda_src.runtime.clock import epoch_ms
from lambda_src.services.algoitny import tables
from lambda_src.services.algoitny.models.statistics import hour_of
from lambda_src.services.algoitny.statistics.repository import UserStatsRepository


class Statistics(UserStatsRepository):
    """Of single users, and of all of them."""

    def recent_public_runs(self, hours: int) -> tuple[int, int]:
        """How many runs that are public now were made in the current hour and those before it, and as of which time.

        hours: 1-168. The time is in milliseconds. Raises ValueError. 1 request per UTC date, 8 at most; seconds behind,
        as the stream is.
        """
        if not 1 <= hours <= 168:
            raise ValueError("hours must be 1 to 168")
        now = self.clock()
        wanted = {hour_of(epoch_ms(now - timedelta(hours=back))) for back in range(hours)}
        count = 0
        for date in sorted({date for date, _ in wanted}):
            first = min(hour for day, hour in wanted if day == date)
            found = self.store.items(tables.PUBLIC_HOURS, date=date, hour=first)
            count += sum(bucket.value for bucket in found if (bucket.date, bucket.hour) in wanted)
        return max(0, count), epoch_ms(now)
