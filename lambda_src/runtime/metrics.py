"""What a service counts and measures, as seen by whoever counts."""


class Metrics:
    """Counts and durations of what happened. This one keeps none; `observability.EmfMetrics` writes them out."""

    def count(self, name: str, value: float = 1, /, **by: str) -> None:
        """Something happened, `value` times. by: what divides it, for example the reason of a failure."""

    def milliseconds(self, name: str, value: float, /, **by: str) -> None:
        """Something took that long. by: what divides it, for example the service that was asked."""

    def flush(self) -> None:
        """Write what was collected since the last flush, if anything."""
