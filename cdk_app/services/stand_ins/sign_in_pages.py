"""Pages on which people sign in to a stand-in, plain HTML that also fits a phone. Nothing in them needs a script."""

from html import escape
from typing import Final

HEAD: Final = """<!doctype html>
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
  small { display: block; opacity: .8; }
  small, code { overflow-wrap: anywhere; }
</style>
"""


def refusal(text: str) -> str:
    """Something is wrong with the request, and there is nowhere to go back to."""
    return f"{HEAD}<h1>This sign-in cannot go on</h1>\n<p>{escape(text)}</p>\n</html>\n"
