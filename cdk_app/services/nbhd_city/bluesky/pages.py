"""The page of the authorization server."""

from collections.abc import Iterable
from html import escape
from urllib.parse import urlsplit

from cdk_app.services.nbhd_city.bluesky.world import Account, Request
from cdk_app.services.stand_ins.sign_in_pages import HEAD


def choice(accounts: Iterable[Account], request_uri: str, request: Request) -> str:
    """Who do you want to be? The account that was typed as a hint comes first."""
    hint = request.login_hint.lower()
    ordered = sorted(accounts, key=lambda account: account.handle != hint)
    buttons = "".join(
        f'<button name="account" value="{escape(account.did)}">Sign in as {escape(account.display_name)}'
        f"<small>{escape(account.handle)}</small></button>\n"
        for account in ordered
    )
    return f"""{HEAD}<h1>Sign in</h1>
<p>This stands in for BlueSky on this machine. <strong>{escape(urlsplit(request.redirect_uri).netloc)}</strong>
asks who you are.</p>
<form method="post" action="/decide">
<input type="hidden" name="request_uri" value="{escape(request_uri)}">
{buttons}<button name="account" value="">Refuse</button>
</form>
</html>
"""
