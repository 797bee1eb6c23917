"""Where a sign-in ends: the page that a web client of your own would have, `callback.html`."""

from typing import Final
from urllib.parse import urlsplit

from cdk_app.local.console.markup import Markup, tag
from cdk_app.local.console.views.layout import notice, page, section
from cdk_app.local.running import RunningService

CALLBACK_PATH: Final = "/callback.html"

# What an API says in `error`, for people.
REASONS: Final = {
    "access_denied": "You refused, and nobody was signed in.",
    "oauth_error": "The authorization server could not go on.",
    "oauth_exchange_failed": "The authorization server did not give what it should have.",
    "identity_mismatch": "The authorization server does not speak for this account.",
    "upstream_unavailable": "The authorization server cannot be reached at the moment.",
}


def sign_in_address(service: RunningService, *, console_url: str) -> str:
    """Where a sign-in begins that ends on this page."""
    return f"{service.url}/auth/login?return_url={console_url}{CALLBACK_PATH}"


def callback_page(service: RunningService, *, console_url: str, error: str | None, has_code: bool) -> Markup:
    """The end of a sign-in at a service: what went wrong, or the parts that the script fills with who it is."""
    again = tag("p", tag("a", "Sign in", href=sign_in_address(service, console_url=console_url)))
    if error is not None:
        reason = REASONS.get(error, "The sign-in failed.")
        return page("Sign-in", section(f"Sign-in to {service.title}", notice(f"{reason} ({error})"), again))
    if not has_code:
        return page("Sign-in", section(f"Sign-in to {service.title}", tag("p", "Nobody is signing in."), again))
    return page(
        "Sign-in",
        section(
            f"Sign-in to {service.title}",
            tag("p", "Exchanging the code for a token ...", id="sign-in-state", role="status", data_api=service.url),
            tag("noscript", notice("Without JavaScript this page cannot ask for the token.")),
            _signed_in(),
            again,
        ),
        tag("script", src="/static/callback.js", type="module"),  # as one, its names do not meet those of console.js
    )


def _signed_in() -> Markup:
    return tag(
        "div",
        tag(
            "dl",
            tag("dt", "Handle"),
            tag("dd", id="handle"),
            tag("dt", "Id"),
            tag("dd", id="user-id"),
            tag("dt", "Token until"),
            tag("dd", id="valid-until"),
        ),
        tag("h2", "Access token"),
        tag("pre", id="token", tabindex="0", aria_label="Access token"),
        tag("button", "Copy token", type="button", data_copies="token"),
        tag("h2", "Use it"),
        tag("pre", id="curl", tabindex="0", aria_label="Command that uses the token"),
        tag("button", "Copy command", type="button", data_copies="curl"),
        tag("p", "The token is nowhere but on this page: it is gone when you leave.", class_="remark"),
        id="signed-in",
        class_="item",
        hidden=True,
    )


def callback_policy(service: RunningService) -> str:
    """What the page may load and ask: its own files, and that one API."""
    parts = urlsplit(service.url)
    return (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        f"connect-src {parts.scheme}://{parts.netloc}; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
