"""Who is signed in: what a route asks for, how it is refused, and an account that changes while its tokens are out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import jwt
import pytest

from lambda_src.runtime.bearer import AccountDisabled, maybe_signed_in, signed_in, unchanged_account
from lambda_src.runtime.keyring import GeneratedKeys
from lambda_src.runtime.routing import Router
from lambda_src.runtime.secrets import Secret
from lambda_src.runtime.tokens import (
    AccessTokens,
    BearerRefused,
    TokenExpired,
    TokenMissing,
    TokenRefused,
    TokenRules,
    TokenSigner,
)

RULES = TokenRules(issuer="sample", audience="test", required=("usr", "tv"))
OLD, NEW, FOREIGN = "o" * 64, "n" * 64, "f" * 64


@dataclass(frozen=True)
class User:
    name: str
    token_version: int = 0
    is_active: bool = True


class Accounts:
    """What is stored of the accounts, and of the secret. now: the time, since 1970."""

    def __init__(self) -> None:
        self.users = {"ada": User("ada")}
        self.members = {"current": OLD}
        self.now = 1_700_000_000.0
        self.forced_reads = 0

    def get(self, name: str, *, max_age: int, transform: str, force_fetch: bool) -> object:
        self.forced_reads += force_fetch
        return self.members

    def principal(self, claims: Mapping[str, Any]) -> User:
        return unchanged_account(self.users.get(claims["usr"]), claims["tv"])

    @property
    def tokens(self) -> AccessTokens[User]:
        keys = GeneratedKeys(Secret("keys", source=lambda: self, monotonic=lambda: self.now))
        return AccessTokens(TokenSigner(keys, RULES, seconds=lambda: self.now), 900, self.principal)

    def token(self, name: str = "ada", **claims: Any) -> str:
        user = self.users[name]
        return self.tokens.issue("1", **{"usr": name, "tv": user.token_version, **claims}).text


@pytest.fixture
def accounts() -> Accounts:
    return Accounts()


@pytest.fixture
def ask(accounts, make_app, client_of, router: Router):
    """`ask("/me", token)`: an answer of an application whose routes ask who is signed in, in three ways."""

    @router.get("/me")
    def read_me(caller: Annotated[User, signed_in(AccessTokens)]) -> dict[str, str]:
        return {"name": caller.name}

    @router.get("/strict")
    def read_strictly(caller: Annotated[User | None, maybe_signed_in(AccessTokens)]) -> dict[str, str]:
        return {"name": caller.name if caller else "nobody"}

    @router.get("/lenient")
    def read_leniently(
        caller: Annotated[User | None, maybe_signed_in(AccessTokens, nobody=BearerRefused)],
    ) -> dict[str, str]:
        return {"name": caller.name if caller else "nobody"}

    client = client_of(make_app(router, provided=[accounts.tokens]))
    return lambda path, token=None: client.get(path, headers={"authorization": f"Bearer {token}"} if token else {})


def told(answer) -> tuple[int, str]:
    body = answer.json()
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
    return answer.status_code, body.get("name") or body["code"]


def test_a_token_tells_who_is_signed_in(ask, accounts):
    token = accounts.token()
    assert [told(ask(path, token)) for path in ("/me", "/strict", "/lenient")] == [(200, "ada")] * 3


def test_without_a_token_nobody_is_signed_in(ask):
    assert told(ask("/me")) == (401, "not_authenticated")
    assert [told(ask(path)) for path in ("/strict", "/lenient")] == [(200, "nobody")] * 2


def test_a_bad_token_is_refused_also_where_none_is_needed_unless_the_route_forgives_it(ask, accounts):
    assert told(ask("/me", "x.y.z")) == told(ask("/strict", "x.y.z")) == (401, "token_invalid")
    token = accounts.token()
    accounts.now += 910
    assert told(ask("/me", token)) == told(ask("/strict", token)) == (401, "token_expired")
    assert told(ask("/lenient", token)) == told(ask("/lenient", "x.y.z")) == (200, "nobody")


@pytest.mark.parametrize(
    ("now", "answer"),
    [
        (User("ada", token_version=1), (401, "token_invalid")),
        (User("ada", token_version=-1), (401, "token_invalid")),
        (None, (401, "token_invalid")),
        (User("ada", is_active=False), (403, "account_disabled")),
        (User("ada", token_version=1, is_active=False), (403, "account_disabled")),
    ],
)
def test_a_token_counts_while_the_account_is_as_it_was(ask, accounts, now, answer):
    token = accounts.token()
    accounts.users = {} if now is None else {"ada": now}
    assert told(ask("/me", token)) == told(ask("/strict", token)) == answer


def test_a_service_names_its_own_errors_of_a_changed_account():
    with pytest.raises(TokenMissing):
        unchanged_account(User("ada"), 1, changed=TokenMissing)
    with pytest.raises(TokenExpired):
        unchanged_account(User("ada", is_active=False), 0, disabled=TokenExpired)
    with pytest.raises(AccountDisabled):
        unchanged_account(User("ada", is_active=False), 0)
    assert unchanged_account(User("ada", 3), 3) == User("ada", 3)


@pytest.mark.parametrize("missing", ["usr", "tv", "sub", "jti", "iss", "aud", "iat", "exp"])
def test_a_token_without_a_claim_of_the_service_is_refused(accounts, missing):
    claims = jwt.decode(accounts.token(), options={"verify_signature": False})
    kid = jwt.get_unverified_header(accounts.token())["kid"]
    assert accounts.tokens.read(jwt.encode(claims, OLD, headers={"kid": kid})) == User("ada")
    del claims[missing]
    with pytest.raises(TokenRefused):
        accounts.tokens.read(jwt.encode(claims, OLD, headers={"kid": kid}))


def test_a_claim_without_a_value_is_not_in_the_token(accounts):
    claims = jwt.decode(accounts.token(hdl=None, n=0), options={"verify_signature": False})
    assert claims["n"] == 0
    assert "hdl" not in claims


def test_every_token_has_a_name_of_its_own_and_shows_itself_in_no_log(accounts):
    issued = [accounts.tokens.issue("1", usr="ada", tv=0) for _ in range(2)]
    assert issued[0].text != issued[1].text
    assert issued[0].text not in repr(issued)


def test_a_key_is_replaced_without_anybody_noticing(accounts):
    tokens, old = accounts.tokens, accounts.token()
    assert tokens.read(old) == User("ada")
    accounts.members = {"current": NEW, "previous": OLD}
    new = accounts.token()
    accounts.now += 30
    assert tokens.read(new) == tokens.read(old) == User("ada")
    accounts.members = {"current": NEW}
    with pytest.raises(TokenRefused):
        tokens.read(old)


def test_a_thousand_tokens_of_unknown_keys_cost_one_read_of_the_secret_in_thirty_seconds(accounts):
    tokens, claims = accounts.tokens, jwt.decode(accounts.token(), options={"verify_signature": False})
    forged = [jwt.encode(claims, FOREIGN, headers={"kid": f"k{number}"}) for number in range(40)]
    for seconds, reads in ((0, 0), (30, 1), (29, 1), (1, 2)):
        accounts.now += seconds
        for text in forged * 25:
            with pytest.raises(TokenRefused):
                tokens.read(text)
        assert accounts.forced_reads == reads
