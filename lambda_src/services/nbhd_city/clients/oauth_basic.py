"""OAuth 2 with PKCE and a client secret. BlueSky's servers want more (`oauth_atproto.py`); stand-ins are content."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from lambda_src.runtime.deadline import Deadline
from lambda_src.services.nbhd_city.clients.authorization import (
    Attempt,
    Beginning,
    Return,
    authorization_form,
    exchange_form,
    granted,
)
from lambda_src.services.nbhd_city.clients.upstream import Upstream, text_in
from lambda_src.services.nbhd_city.errors import ExchangeFailed, OAuthNotConfigured
from lambda_src.services.nbhd_city.models import Did, Identity, OAuthState
from lambda_src.services.nbhd_city.rules.dids import is_did


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicServer:
    """An authorization server that is trusted for identity. client_secret: empty when there is none."""

    upstream: Upstream
    authorization_endpoint: str
    token_endpoint: str
    client_id: str
    redirect_uri: str
    client_secret: Callable[[], str]

    def begin(self, attempt: Attempt, *, deadline: Deadline) -> Beginning:  # noqa: ARG002 -- asks nobody
        """Nothing is sent: the browser carries all of it. Raises OAuthNotConfigured without a client secret."""
        self._secret()
        query = urlencode(authorization_form(attempt, client_id=self.client_id, redirect_uri=self.redirect_uri))
        return Beginning(f"{self.authorization_endpoint}?{query}", issuer=self.authorization_endpoint)

    def identify(self, back: Return, state: OAuthState, *, deadline: Deadline) -> Identity:
        """Who the code stands for. 1 request."""
        form = exchange_form(back, state, client_id=self.client_id, redirect_uri=self.redirect_uri)
        form["client_secret"] = self._secret()
        answer = self.upstream.post_form("exchange code", self.token_endpoint, form, deadline=deadline, headers={})
        body = granted(answer)
        did = text_in(body, "sub") or text_in(body, "did")
        if did is None or not is_did(did):
            raise ExchangeFailed("The token endpoint does not say who signed in")
        return Identity(Did(did), text_in(body, "handle"))

    def _secret(self) -> str:
        secret = self.client_secret()
        if not secret:
            raise OAuthNotConfigured
        return secret
