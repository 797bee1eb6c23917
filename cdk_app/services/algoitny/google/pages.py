"""The pages of the stand-in."""

from collections.abc import Iterable, Mapping
from html import escape

from cdk_app.services.algoitny.google.world import Person
from cdk_app.services.stand_ins.sign_in_pages import HEAD


def choice(people: Iterable[Person], asked: Mapping[str, str]) -> str:
    """Who do you want to be? asked: the request, which travels with the answer. A hint's address comes first."""
    hint = asked.get("login_hint", "").lower()
    ordered = sorted(people, key=lambda person: person.email != hint)
    buttons = "".join(
        f'<button name="account" value="{escape(person.email)}">Sign in as {escape(person.name)}'
        f"<small>{escape(person.email)}</small></button>\n"
        for person in ordered
    )
    hidden = "".join(f'<input type="hidden" name="{escape(name)}" value="{escape(asked[name])}">\n' for name in asked)
    return f"""{HEAD}<h1>Sign in</h1>
<p>This stands in for Google on this machine. <strong>{escape(asked["client_id"])}</strong> asks who you are.</p>
<form method="post" action="/decide">
{hidden}{buttons}<button name="account" value="">Refuse</button>
</form>
</html>
"""


def code(text: str) -> str:
    """For who has no page to go back to: with `postmessage` a script of Google's would hand the code over."""
    return f"{HEAD}<h1>Your code</h1>\n<p>Good once, for a minute: <code>{escape(text)}</code></p>\n</html>\n"
