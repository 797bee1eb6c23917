"""What a service counts and measures, for a test to look at."""

from collections import Counter
from collections.abc import Mapping

from lambda_src.runtime.metrics import Metrics


class RecordedMetrics(Metrics):
    """Keeps what was counted and measured, each with what divides it."""

    def __init__(self) -> None:
        self.counted: list[tuple[str, Mapping[str, str]]] = []
        self.measured: list[tuple[str, Mapping[str, str]]] = []

    def count(self, name: str, value: float = 1, /, **by: str) -> None:
        self.counted += [(name, by)] * int(value)

    def milliseconds(self, name: str, value: float, /, **by: str) -> None:
        assert value > 0
        self.measured.append((name, by))

    @property
    def totals(self) -> Counter[str]:
        return Counter(name for name, _ in self.counted)
