"""What nbhd.city reads from its environment. The stack fills these variables through the same classes."""

from typing import ClassVar, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, Json, Secret, model_validator

from lambda_src.runtime.cors import CorsRules
from lambda_src.runtime.settings import ServiceSettings

MAX_SHARDS: Final = 16
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Settings(ServiceSettings):
    """Variables of both functions."""

    database_timeout_seconds: ClassVar[float] = 2.0  # three such tries end within the 20 s of the API function
    conflict_metric: ClassVar[str | None] = "JoinConflictRetries"

    dynamodb_table_name: str = Field(description="Physical name of the table")
    nbhd_task_queue_url: str = Field(description="Queue of the worker's tasks")
    nbhd_list_shards: int = Field(
        default=1, ge=1, le=MAX_SHARDS, description="Index partitions that the list of neighborhoods is spread over"
    )


class ApiSettings(Settings):
    """Variables of the API function. From the stack, the secret travels as its name, never as its value."""

    app_secret_arn: str = Field(
        default="", description="Secret with the token keys, the OAuth client and the test users"
    )
    app_secret_json: Secret[Json[dict[str, object]]] | None = Field(
        default=None, description="That secret itself, where there is no Secrets Manager; never in prod"
    )
    frontend_origins: str = Field(description="Origins a sign-in may return to, separated by commas; first: default")
    cors_allowed_origins: str = Field(description="Origins whose pages may call the API, separated by commas")
    api_base_url: str = Field(
        default="http://localhost:8004", description="Public address of the API, without a slash at its end"
    )
    nbhd_list_unsharded: bool = Field(
        default=False, description="List the partition from before NBHD_LIST_SHARDS, too, until `reshard` emptied it"
    )
    access_token_expire_minutes: int = Field(default=10_080, ge=1, description="Lifetime of an access token")
    oauth_profile: Literal["atproto", "basic"] = Field(
        default="atproto", description="How to talk to the authorization server; `basic` suits stand-ins only"
    )
    oauth_client_auth: Literal["private_key_jwt", "none"] = Field(
        default="private_key_jwt", description="How the client proves itself to the authorization server"
    )
    bluesky_oauth_issuer: str = Field(default="https://bsky.social", description="Authorization server, for `atproto`")
    bluesky_oauth_authorization_endpoint: str = Field(
        default="https://bsky.social/oauth/authorize", description="Where a sign-in begins, for `basic`"
    )
    bluesky_oauth_token_endpoint: str = Field(
        default="https://bsky.social/oauth/token", description="Where codes are exchanged, for `basic`"
    )
    bluesky_oauth_client_id: str = Field(
        default="", description="OAuth client; empty: {API_BASE_URL}/oauth/client-metadata.json"
    )
    bluesky_oauth_redirect_uri: str = Field(
        default="", description="Where a sign-in comes back to; empty: {API_BASE_URL}/auth/callback"
    )
    plc_directory_url: str = Field(default="https://plc.directory", description="Directory of did:plc documents")
    bluesky_public_api_url: str = Field(default="https://public.api.bsky.app", description="Public API, for profiles")
    callback_mode: Literal["code", "token"] = Field(
        default="code", description="What the callback hands to the page; `token` is for an old page, never in prod"
    )
    test_login_enabled: bool = Field(default=False, description="Password sign-in of test users; never in prod")
    allow_insecure_upstreams: bool = Field(
        default=False, description="Allow plain HTTP and local addresses of outside services; never in prod"
    )

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """Origins a sign-in may return to, the default first."""
        return _texts(self.frontend_origins)

    @property
    def client_id(self) -> str:
        """The OAuth client; for `atproto` this is the address of its metadata."""
        return self.bluesky_oauth_client_id or f"{self.api_base_url}/oauth/client-metadata.json"

    @property
    def redirect_uri(self) -> str:
        """Where the authorization server sends the browser back to."""
        return self.bluesky_oauth_redirect_uri or f"{self.api_base_url}/auth/callback"

    @property
    def is_confidential_client(self) -> bool:
        return self.oauth_client_auth == "private_key_jwt"

    @property
    def has_secure_cookies(self) -> bool:
        """Cookies travel over HTTPS only; on this machine a sign-in comes back over plain HTTP."""
        parts = urlsplit(self.redirect_uri)
        return not (parts.scheme == "http" and parts.hostname in _LOOPBACK)

    @property
    def has_test_login(self) -> bool:
        return self.test_login_enabled and not self.is_production

    @property
    def cors(self) -> CorsRules:
        return CorsRules(
            origins=_texts(self.cors_allowed_origins),
            methods=("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
            request_headers=("Authorization", "Content-Type"),
            exposed_headers=("X-Next-Cursor", "Link", "X-Request-Id", "Retry-After"),
        )

    @model_validator(mode="after")
    def _check_values(self) -> Self:
        if not self.allowed_origins:
            raise ValueError("FRONTEND_ORIGINS names no origin")
        if self.api_base_url.endswith("/"):
            raise ValueError("API_BASE_URL ends with a slash")
        if not (self.app_secret_arn or self.app_secret_json):
            raise ValueError("APP_SECRET_ARN is missing")
        _ = self.cors  # refuses a wildcard
        return self

    @model_validator(mode="after")
    def _refuse_in_production(self) -> Self:
        harmless = {
            "APP_SECRET_JSON": self.app_secret_json is None,
            "TEST_LOGIN_ENABLED": not self.test_login_enabled,
            "ALLOW_INSECURE_UPSTREAMS": not self.allow_insecure_upstreams,
            "OAUTH_PROFILE=basic": self.oauth_profile != "basic",
            "CALLBACK_MODE=token": self.callback_mode != "token",
        }
        refused = [name for name, is_harmless in harmless.items() if not is_harmless]
        if self.is_production and refused:
            raise ValueError(f"not in production: {', '.join(refused)}")
        return self


class WorkerSettings(Settings):
    nbhd_task_dlq_url: str = Field(description="Dead-letter queue behind NBHD_TASK_QUEUE_URL")
    task_budget_seconds: float = Field(default=45, gt=0, description="Time one delivery of a task may take")
    retry_base_seconds: float = Field(
        default=30, gt=0, description="Pause before a failed task is tried again; doubles with each attempt"
    )


def _texts(commas: str) -> tuple[str, ...]:
    return tuple(text for part in commas.split(",") if (text := part.strip()))
