"""OAuth as BlueSky's servers speak it: pushed requests, DPoP, and proof that the server speaks for the account.

https://atproto.com/specs/oauth. One configured issuer: an account whose server names another one cannot sign in.
"""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from lambda_src.runtime.clock import Clock
from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.outside import Answer
from lambda_src.runtime.providers.decoded import at, decode_or_none, list_at, text_at
from lambda_src.services.nbhd_city import errors
from lambda_src.services.nbhd_city.clients import Upstream, is_out_of_order
from lambda_src.services.nbhd_city.models import Did, Identity, OAuthState, is_did
from lambda_src.services.nbhd_city.settings import ApiSettings
from lambda_src.services.nbhd_city.sign_in.authorization import (
    SCOPE,
    Attempt,
    Beginning,
    Return,
    authorization_form,
    exchange_form,
    granted,
)
from lambda_src.services.nbhd_city.sign_in.dids import DidDirectory

METADATA_SECONDS: Final = 600.0
NONCE_HEADER: Final = "dpop-nonce"


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """Who we are to the authorization server. signing_key: private JWK, None where there is none.

    A confidential client proves itself with that key; a public one does not.
    """

    settings: ApiSettings
    signing_key: Callable[[], Mapping[str, Any] | None]

    def metadata(self) -> dict[str, Any]:
        """The document behind `client_id`: https://atproto.com/specs/oauth#client-id-metadata-document"""
        settings = self.settings
        proof: dict[str, Any] = {"token_endpoint_auth_method": "none"}
        if settings.is_confidential_client:
            proof = {
                "token_endpoint_auth_method": "private_key_jwt",
                "token_endpoint_auth_signing_alg": ALGORITHM,
                "jwks_uri": f"{settings.api_base_url}/oauth/jwks.json",
            }
        return {
            "client_id": settings.client_id,
            "application_type": "web",
            "client_name": "nbhd.city",
            "client_uri": settings.api_base_url,
            "redirect_uris": [settings.redirect_uri],
            "grant_types": ["authorization_code"],
            "response_types": ["code"],
            "scope": SCOPE,
            "dpop_bound_access_tokens": True,
            **proof,
        }

    def key_set(self) -> dict[str, Any]:
        """The public halves of our keys. Raises OAuthNotConfigured when there is none."""
        jwk = self._jwk()
        return {"keys": [{**public_jwk(jwk), "kid": jwk["kid"], "use": "sig", "alg": ALGORITHM}]}

    def proof_of_client(self, *, issuer: str, now: int) -> dict[str, str]:
        """The parameters that prove who we are; none for a public client. Raises OAuthNotConfigured."""
        if not self.settings.is_confidential_client:
            return {}
        assertion = client_assertion(self._jwk(), client_id=self.settings.client_id, issuer=issuer, now=now)
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}

    def _jwk(self) -> Mapping[str, Any]:
        jwk = self.signing_key()
        if jwk is None or not {"kty", "crv", "kid", "x", "y", "d"} <= jwk.keys():
            raise errors.OAuthNotConfigured
        return jwk


@dataclass(frozen=True, slots=True)
class _Endpoints:
    """What the server's metadata says, and when it was read on a clock that never goes backwards."""

    authorization: str
    token: str
    pushed_request: str
    read_at: float


@dataclass(slots=True)
class _Channel:
    """A DPoP key, and the newest nonce that the server gave for it."""

    key: str
    nonce: str | None = None


class AtprotoServer:
    """The authorization server of an issuer. Its metadata is kept for ten minutes."""

    def __init__(
        self,
        *,
        upstream: Upstream,
        directory: DidDirectory,
        client: OAuthClient,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._upstream = upstream
        self._directory = directory
        self._client = client
        self._issuer = client.settings.bluesky_oauth_issuer
        self._clock = clock
        self._monotonic = monotonic
        self._endpoints: _Endpoints | None = None

    def begin(self, attempt: Attempt, *, deadline: Deadline) -> Beginning:
        """Push the request. 1 request, 2 with the nonce that the server wants, and 1 for its metadata if it is old."""
        client = self._client
        client.proof_of_client(issuer=self._issuer, now=self._now())  # not set up: said before anybody is asked
        endpoints = self._metadata(deadline)
        channel = _Channel(new_key())
        form = authorization_form(attempt, client.settings)
        answer = self._post("push request", endpoints.pushed_request, form, channel, deadline)
        if answer.status not in {200, 201}:
            raise errors.ExchangeFailed(f"The authorization server refused the request with status {answer.status}")
        request_uri = text_at(decode_or_none(answer.content), "request_uri")
        if request_uri is None:
            raise errors.ExchangeFailed("The authorization server gave no request_uri")
        query = urlencode({"client_id": client.settings.client_id, "request_uri": request_uri})
        return Beginning(
            f"{endpoints.authorization}?{query}", issuer=self._issuer, dpop_jwk=channel.key, dpop_nonce=channel.nonce
        )

    def identify(self, back: Return, state: OAuthState, *, deadline: Deadline) -> Identity:
        """Who the code stands for, and that this server may say so. 3 requests, and 1 or 2 more as in `begin`."""
        if back.issuer != state.issuer or state.issuer != self._issuer:
            raise errors.ExchangeFailed("Another server answered than was asked")
        if state.dpop_jwk is None:
            raise errors.ExchangeFailed("The sign-in began in another way")
        client = self._client
        channel = _Channel(state.dpop_jwk, state.dpop_nonce)
        form = exchange_form(back, state, client.settings)
        answer = self._post("exchange code", self._metadata(deadline).token, form, channel, deadline)
        body = granted(answer)
        did = text_at(body, "sub")
        if did is None or not is_did(did):
            raise errors.ExchangeFailed("The token endpoint does not say who signed in")
        if str(at(body, "token_type")).lower() != "dpop" or SCOPE not in str(at(body, "scope")).split():
            raise errors.ExchangeFailed("The token endpoint granted something else than was asked for")
        if self._directory.issuer_of(Did(did), deadline=deadline) != state.issuer:
            raise errors.IdentityMismatch("Another authorization server speaks for this account")
        return Identity(Did(did), None)

    def _post(self, operation: str, url: str, form: Mapping[str, str], channel: _Channel, deadline: Deadline) -> Answer:
        """The answer to a form with both proofs; once more when the server wants a nonce it only now tells.

        Afterwards the channel holds the server's newest nonce.
        """
        answer = self._post_once(operation, url, form, channel, deadline)
        wants_nonce = answer.status == 400 and at(decode_or_none(answer.content), "error") == "use_dpop_nonce"
        if wants_nonce and answer.headers.get(NONCE_HEADER):
            channel.nonce = answer.headers[NONCE_HEADER]
            answer = self._post_once(operation, url, form, channel, deadline)
        if is_out_of_order(answer):
            raise errors.UpstreamUnavailable(f"The authorization server answered with status {answer.status}")
        nonce = answer.headers.get(NONCE_HEADER)
        if not nonce:
            raise errors.ExchangeFailed("The authorization server gives no DPoP nonce")
        channel.nonce = nonce
        return answer

    def _post_once(
        self, operation: str, url: str, form: Mapping[str, str], channel: _Channel, deadline: Deadline
    ) -> Answer:
        now = self._now()
        proof = dpop_proof(channel.key, url=url, nonce=channel.nonce, now=now)
        whole = {**form, **self._client.proof_of_client(issuer=self._issuer, now=now)}
        return self._upstream.post_form(operation, url, whole, deadline=deadline, headers={"DPoP": proof})

    def _metadata(self, deadline: Deadline) -> _Endpoints:
        known = self._endpoints
        if known is None or self._monotonic() - known.read_at >= METADATA_SECONDS:
            known = self._endpoints = self._read_metadata(deadline)
        return known

    def _read_metadata(self, deadline: Deadline) -> _Endpoints:
        """Raises UpstreamUnavailable for a server that does not offer what the profile asks for."""
        url = f"{self._issuer}/.well-known/oauth-authorization-server"
        answer = self._upstream.get("read metadata", url, deadline=deadline)
        said = decode_or_none(answer.content) if answer.status == 200 else None
        is_fit = (
            at(said, "issuer") == self._issuer
            and "S256" in list_at(said, "code_challenge_methods_supported")
            and ALGORITHM in list_at(said, "dpop_signing_alg_values_supported")
            and at(said, "authorization_response_iss_parameter_supported") is True
        )
        authorization, token = text_at(said, "authorization_endpoint"), text_at(said, "token_endpoint")
        pushed_request = text_at(said, "pushed_authorization_request_endpoint")
        if not is_fit or authorization is None or token is None or pushed_request is None:
            raise errors.UpstreamUnavailable("The authorization server does not offer what sign-in needs")
        return _Endpoints(authorization, token, pushed_request, self._monotonic())

    def _now(self) -> int:
        return int(self._clock().timestamp())


ALGORITHM: Final = "ES256"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS: Final = 60
_PUBLIC_MEMBERS: Final = ("kty", "crv", "x", "y")


def new_key() -> str:
    """A fresh private key on P-256, as JWK in JSON."""
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from jwt.algorithms import ECAlgorithm  # noqa: PLC0415

    return ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()))


def public_jwk(jwk: Mapping[str, Any]) -> dict[str, str]:
    """The public half of a key, and nothing else."""
    return {name: str(jwk[name]) for name in _PUBLIC_MEMBERS}


def dpop_proof(key: str, *, url: str, nonce: str | None, now: int) -> str:
    """Proof that the sender of a POST holds a key. key: private JWK in JSON. now: epoch seconds."""
    jwk = json.loads(key)
    claims = {"jti": str(uuid.uuid4()), "htm": "POST", "htu": url.partition("?")[0], "iat": now}
    if nonce is not None:
        claims["nonce"] = nonce
    return _signed(jwk, claims, {"typ": "dpop+jwt", "jwk": public_jwk(jwk)})


def client_assertion(jwk: Mapping[str, Any], *, client_id: str, issuer: str, now: int) -> str:
    """Proof that we are the client. jwk: its private key. now: epoch seconds."""
    claims = {"iss": client_id, "sub": client_id, "aud": issuer, "jti": str(uuid.uuid4())}
    times = {"iat": now, "exp": now + ASSERTION_SECONDS}
    return _signed(jwk, {**claims, **times}, {"kid": str(jwk["kid"])})


def _signed(jwk: Mapping[str, Any], claims: dict[str, Any], headers: dict[str, Any]) -> str:
    import jwt  # noqa: PLC0415

    return jwt.encode(claims, jwt.PyJWK(dict(jwk), algorithm=ALGORITHM), algorithm=ALGORITHM, headers=headers)
