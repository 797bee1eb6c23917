"""What Stock Track Record reads from its environment. The stack fills these variables through the same classes."""

from pydantic import Field

from lambda_src.runtime.cors import CorsRules
from lambda_src.runtime.settings import ServiceSettings
from lambda_src.services.stock_track_record.models import DEFAULT_EXCLUDED, excluded_in


class Settings(ServiceSettings):
    """Variables of both functions. Secrets travel as names, never as values."""

    dynamodb_table_name: str = Field(description="Physical name of the main table")
    dynamodb_stocks_table_name: str = Field(description="Physical name of the stocks table")
    sqs_queue_url: str = Field(description="Queue of channel, video, purge and upgrade messages")
    price_queue_url: str = Field(description="Queue of price refresh and backfill messages")
    api_keys_secret_id: str = Field(description="Name of the secret that holds the keys of the outside services")
    max_channels: int = Field(default=500, ge=1, description="Channels that may be listed at the same time")
    log_retention_days: int = Field(default=90, ge=0, description="Days a processing log line is kept, 0 for ever")
    youtube_api_base_url: str = Field(
        default="https://www.googleapis.com/youtube/v3", description="YouTube Data API v3"
    )
    gemini_api_base_url: str = Field(
        default="https://generativelanguage.googleapis.com/v1beta", description="Gemini API"
    )
    finnhub_api_base_url: str = Field(default="https://finnhub.io/api/v1", description="Finnhub API")
    yahoo_api_base_url: str = Field(default="https://query2.finance.yahoo.com", description="Yahoo chart API")
    alpha_vantage_api_base_url: str = Field(default="https://www.alphavantage.co", description="Alpha Vantage API")


class ApiSettings(Settings):
    frontend_url: str = Field(default="http://localhost:5173", description="Origin of the web client, for CORS")
    cors_extra_origins: str = Field(default="", description="More allowed origins, separated by commas")
    cursor_secret_id: str = Field(description="Name of the secret that signs the cursors of lists")

    @property
    def cors(self) -> CorsRules:
        extra = (origin.strip() for origin in self.cors_extra_origins.split(","))
        origins = (self.frontend_url, *(origin for origin in extra if origin))
        return CorsRules(origins=origins, methods=("GET", "POST", "DELETE", "OPTIONS"))


class WorkerSettings(Settings):
    """Variables of the worker function. Every `_seconds` field is shortened by tests that kill workers."""

    sqs_dlq_url: str = Field(description="Dead-letter queue behind SQS_QUEUE_URL")
    price_dlq_url: str = Field(description="Dead-letter queue behind PRICE_QUEUE_URL")
    gemini_model: str = Field(default="gemini-flash-latest", description="Model that watches the videos")
    max_videos_per_run: int = Field(default=2000, ge=1, description="Newest videos that one run analyses at most")
    excluded_tickers: str = Field(
        default=" ".join(sorted(DEFAULT_EXCLUDED)), description="Tickers never stored, separated by blanks or commas"
    )
    ticker_verification: bool = Field(default=True, description="Ask Yahoo whether an unknown ticker is a US share")
    youtube_allow_search: bool = Field(
        default=False, description="Resolve /c/ names by search.list at 100 quota units when nothing cheaper finds them"
    )
    channel_budget_seconds: float = Field(default=840, gt=0, description="Time to list a channel's uploads")
    video_budget_seconds: float = Field(default=330, gt=0, description="Time to analyse one video")
    maintenance_budget_seconds: float = Field(
        default=780, gt=0, description="Time of a backfill, purge or upgrade part"
    )
    prices_budget_seconds: float = Field(default=150, gt=0, description="Time to refresh up to 25 prices")
    visibility_margin_seconds: float = Field(
        default=30, gt=0, description="How much later than its budget an unfinished message is tried again"
    )
    retry_base_seconds: float = Field(
        default=30, gt=0, description="Pause before a failed message is tried again; doubles with each attempt"
    )
    prices_wait_seconds: int = Field(
        default=120, ge=1, le=899, description="How long a run whose videos are all counted waits for their prices"
    )
    gemini_timeout_seconds: float = Field(default=240, gt=0, description="Longest wait for one Gemini answer")

    @property
    def excluded(self) -> frozenset[str]:
        return excluded_in(self.excluded_tickers)
