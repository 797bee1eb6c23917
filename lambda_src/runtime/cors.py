"""What pages of other origins may do with an API: one value, for the application and for the gateway before it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CorsRules:
    """What pages of other origins may do. Raises ValueError for a wildcard origin.

    origins: exact, `scheme://host[:port]`. exposed_headers: of answers, for pages to read.
    """

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    request_headers: tuple[str, ...] = ("Content-Type",)
    exposed_headers: tuple[str, ...] = ()
    max_age_seconds: int = 600

    def __post_init__(self) -> None:
        if any("*" in origin for origin in self.origins):
            raise ValueError("CORS origins must be exact: a wildcard lets every page on the web use this API")
