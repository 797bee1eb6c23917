"""The pages of the authorization server, plain HTML that also fits a phone. Nothing in them needs a script."""

from collections.abc import Iterable
from html import escape
from typing import Final
from urllib.parse import urlsplit

from cdk_app.services.nbhd_city.bluesky.world import Account, Request

_HEAD: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in (stand-in)</title>
<style>
  :root { color-scheme: light dark; }
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 26rem; margin: 2rem auto; padding: 0 1rem; }
  h1 { font-size: 1.4rem; }
  button { display: block; width: 100%; min-height: 3rem; margin: .5rem 0; padding: .5rem 1rem; font: inherit;
           text-align: left; border: 1px solid; border-radius: .5rem; background: none; color: inherit; }
  button:hover, button:focus-visible { background: color-mix(in srgb, currentColor 10%, transparent); }
  button[value=""] { border-style: dashed; margin-top: 1.5rem; }
  small { display: block; opacity: .8; overflow-wrap: anywhere; }
</style>
"""


def choice(accounts: Iterable[Account], request_uri: str, request: Request) -> str:
    """Who do you want to be? The account that was typed as a hint comes first."""
    hint = request.login_hint.lower()
    ordered = sorted(accounts, key=lambda account: account.handle != hint)
    buttons = "".join(
        f'<button name="account" value="{escape(account.did)}">Sign in as {escape(account.display_name)}'
        f"<small>{escape(account.handle)}</small></button>\n"
        for account in ordered
    )
    return f"""{_HEAD}<h1>Sign in</h1>
<p>This stands in for BlueSky on this machine. <strong>{escape(urlsplit(request.redirect_uri).netloc)}</strong>
asks who you are.</p>
<form method="post" action="/decide">
<input type="hidden" name="request_uri" value="{escape(request_uri)}">
{buttons}<button name="account" value="">Refuse</button>
</form>
</html>
"""


def refusal(text: str) -> str:
    """Something is wrong with the request, and there is nowhere to go back to."""
    return f"{_HEAD}<h1>This sign-in cannot go on</h1>\n<p>{escape(text)}</p>\n</html>\n"
