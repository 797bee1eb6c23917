"""Rules about environment variables: anyone who may describe a function can read them."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from tests.infra.gates.model import Complaints, Deployment, Resource, rule
from tests.infra.gates.references import FUNCTION, text

# What stands for an outside sign-in on a laptop.
SHORTCUTS = {"ALLOW_INSECURE_UPSTREAMS", "OAUTH_PROFILE", "TEST_LOGIN_ENABLED"}
DYNAMIC = re.compile(r"\{\{resolve:(?:secretsmanager|ssm-secure|ssm):")
SOUNDS_SECRET = re.compile(r"(?:^|_)(?:KEY|KEYS|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|DSN)$")
# How the keys of well-known issuers begin, and URLs that carry a password.
LOOKS_SECRET = re.compile(
    r"(?:A3T|AKIA|ASIA)[0-9A-Z]{16}"  # AWS access keys
    r"|AIza[0-9A-Za-z_-]{30,}"  # Google
    r"|gh[pousr]_[0-9A-Za-z]{30,}|github_pat_\w{30,}"
    r"|xox[abprs]-[0-9A-Za-z-]{10,}"  # Slack
    r"|(?:sk|rk|pk)[-_](?:live|test|proj|ant)?[-_]?[0-9A-Za-z]{16,}"  # Stripe, OpenAI, Anthropic
    r"|eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}\."  # a signed token
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s@]+@"
)
# Generated text changes between small letters, capitals and digits at 0.4 (without capitals) to 0.6 of its characters,
# names, paths and dates at less than 0.2. Hexadecimal digits are judged by their length.
WORD = re.compile(r"[0-9A-Za-z+/=_-]{20,}")
HEXADECIMAL = re.compile(r"[0-9a-f]{32,}|[0-9A-F]{32,}")
CHANGES = 0.3
ENTROPY_BITS = 3.7


def entropy(word: str) -> float:
    """Bits per character, by Shannon's formula over the characters of the word itself."""
    shares = [count / len(word) for count in Counter(word).values()]
    return -sum(share * math.log2(share) for share in shares)


def changes(word: str) -> float:
    """How often, per character, letters and digits change their kind; what stands between them does not count."""
    kinds = [(each.isdigit(), each.isupper()) for each in word if each.isalnum()]
    return sum(before != after for before, after in pairwise(kinds)) / max(len(kinds), 1)


def is_random(word: str) -> bool:
    """Looks generated: has digits, changes its kind often, and repeats itself seldom."""
    has_digits = any(each.isdigit() for each in word)
    restless = changes(word) >= CHANGES and entropy(word) >= ENTROPY_BITS
    return has_digits and (restless or bool(HEXADECIMAL.fullmatch(word)))


def variables(deployment: Deployment) -> Iterator[tuple[Resource, str, str, bool]]:
    """(function, name, value as text, whether the value is a literal) of every environment variable."""
    for function in deployment.of_type(FUNCTION):
        for name, value in function.properties.get("Environment", {}).get("Variables", {}).items():
            yield function, name, text(value), isinstance(value, str)


@rule(
    "no-dynamic-secrets-in-variables", "A dynamic reference puts the secret's value into the function's configuration"
)
def no_dynamic_secrets_in_variables(deployment: Deployment) -> Complaints:
    for function in deployment.of_type(FUNCTION):
        if DYNAMIC.search(json.dumps(function.properties)):
            yield function, "resolves a secret at deployment; hand over its name and read it at run time"


@rule("secret-variables-are-references", "A variable that is called a key and holds text holds a key")
def secret_variables_are_references(deployment: Deployment) -> Complaints:
    for function, name, value, is_literal in variables(deployment):
        if is_literal and value and SOUNDS_SECRET.search(name):
            yield function, f"{name} is literal text"


@rule("no-known-keys-in-variables", "Keys of well-known issuers have a shape, whatever the variable is called")
def no_known_keys_in_variables(deployment: Deployment) -> Complaints:
    for function, name, value, _ in variables(deployment):
        if LOOKS_SECRET.search(value):
            yield function, f"{name} looks like a key or a URL with a password"


@rule("no-random-text-in-variables", "A generated key has no regularity, which names and addresses have")
def no_random_text_in_variables(deployment: Deployment) -> Complaints:
    for function, name, value, is_literal in variables(deployment):
        if is_literal and any(is_random(word) for word in WORD.findall(value)):
            yield function, f"{name} looks generated"


@rule("outside-addresses-are-defaults", "A template that names the address of an outside service can name a stand-in")
def outside_addresses_are_defaults(deployment: Deployment) -> Complaints:
    outside = {
        endpoint.variable
        for service in deployment.services
        for stand_in in service.stand_ins
        for endpoint in stand_in.endpoints
    }
    for function in deployment.of_type(FUNCTION):
        for name in sorted(outside & function.properties.get("Environment", {}).get("Variables", {}).keys()):
            yield function, f"is told {name}"


@rule("shortcuts-stay-on-this-machine", "Nobody should sign in to what is deployed through what a laptop has instead")
def shortcuts_stay_on_this_machine(deployment: Deployment) -> Complaints:
    if not deployment.environment.on_this_machine:
        for function in deployment.of_type(FUNCTION):
            given = function.properties.get("Environment", {}).get("Variables", {})
            for name in sorted(given.keys() & SHORTCUTS):
                yield function, f"is given {name}={given[name]}"
