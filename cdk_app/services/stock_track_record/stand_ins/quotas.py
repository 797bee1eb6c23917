"""Rate limits of the providers, counted in fixed windows of the clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from types import MappingProxyType

from cdk_app.services.stock_track_record.stand_ins.models import Service


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `limit` calls in each window; windows begin at multiples of window_seconds since 1970, in UTC."""

    limit: int
    window_seconds: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a caller stands after a call. exceeded: the quota that refused it, None when it was let through.

    limit, remaining, resets_at (epoch seconds): of the refusing quota, else of the first one.
    """

    exceeded: Quota | None
    limit: int
    remaining: int
    resets_at: int


# https://finnhub.io/docs/api/rate-limit and https://www.alphavantage.co/support/#api-key, free plans
FREE_PLANS: Mapping[Service, Sequence[Quota]] = MappingProxyType(
    {
        "finnhub": (Quota(60, 60), Quota(30, 1)),
        "alpha_vantage": (Quota(5, 60), Quota(25, 86_400)),
    }
)


class QuotaMeter:
    """Counts calls against the quotas of their service; a refused call is not counted."""

    def __init__(self, quotas: Mapping[Service, Sequence[Quota]]) -> None:
        self._quotas = quotas
        self._lock = Lock()
        self._used: dict[tuple[Service, Quota], tuple[int, int]] = {}  # -> window, calls in it

    def take(self, service: Service, now: datetime) -> Standing | None:
        """Counts one call. None for a service without limits."""
        quotas = self._quotas.get(service, ())
        if not quotas:
            return None
        with self._lock:
            for quota in quotas:
                if self._left(service, quota, now) == 0:
                    return Standing(quota, quota.limit, 0, _window_end(quota, now))
            for quota in quotas:
                self._used[service, quota] = (_window(quota, now), quota.limit - self._left(service, quota, now) + 1)
            first = quotas[0]
            return Standing(None, first.limit, self._left(service, first, now), _window_end(first, now))

    def _left(self, service: Service, quota: Quota, now: datetime) -> int:
        window, used = self._used.get((service, quota), (-1, 0))
        return quota.limit - used if window == _window(quota, now) else quota.limit


def _window(quota: Quota, now: datetime) -> int:
    return int(now.timestamp()) // quota.window_seconds


def _window_end(quota: Quota, now: datetime) -> int:
    return (_window(quota, now) + 1) * quota.window_seconds
