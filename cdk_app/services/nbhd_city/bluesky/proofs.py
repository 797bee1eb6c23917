"""Checks of what a client signs: DPoP proofs and client assertions. Refusals carry the names OAuth has for them.

https://www.rfc-editor.org/rfc/rfc9449#section-4.3, https://www.rfc-editor.org/rfc/rfc7523#section-3
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import jwt

from cdk_app.services.nbhd_city.bluesky.world import World

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PROOF_SECONDS: Final = 60
ASSERTION_SECONDS: Final = 300
_ALGORITHM: Final = "ES256"


class Refused(Exception):
    """error: OAuth's name of what is wrong. description: for whoever reads the answer."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description


def check_dpop(world: World, proof: str | None, *, url: str) -> str:
    """Thumbprint of the key that signed a proof for a POST to this URL.

    Raises Refused: `use_dpop_nonce` for one without a good nonce, `invalid_dpop_proof` for anything else.
    """
    if not proof:
        raise Refused("invalid_dpop_proof", "the DPoP header is missing")
    try:
        header = jwt.get_unverified_header(proof)
        jwk = header.get("jwk")
        if header.get("typ") != "dpop+jwt" or not isinstance(jwk, dict) or "d" in jwk:
            raise Refused("invalid_dpop_proof", "typ or jwk is wrong")
        claims = _verified(proof, jwk, required=["jti", "htm", "htu", "iat"])
    except jwt.PyJWTError as error:
        raise Refused("invalid_dpop_proof", str(error)) from error
    if (claims["htm"], claims["htu"]) != ("POST", url):
        raise Refused("invalid_dpop_proof", f"the proof is for {claims['htm']} {claims['htu']}")
    if abs(world.seconds() - claims["iat"]) > PROOF_SECONDS:
        raise Refused("invalid_dpop_proof", "the proof is too old or from the future")
    if not world.is_nonce_good(claims.get("nonce")):
        raise Refused("use_dpop_nonce", "use the nonce of the DPoP-Nonce header")
    if not world.use_id(claims["jti"]):
        raise Refused("invalid_dpop_proof", "the proof was used before")
    return thumbprint(jwk)


def check_client(world: World, form: Mapping[str, str], *, issuer: str) -> Mapping[str, Any]:
    """The client's metadata, read from its `client_id`, once the client has proven itself.

    Raises Refused, `invalid_client`.
    """
    client_id = form.get("client_id", "")
    try:
        metadata = world.fetch(client_id)
    except ValueError as error:
        raise Refused("invalid_client", str(error)) from error
    if metadata.get("client_id") != client_id or metadata.get("dpop_bound_access_tokens") is not True:
        raise Refused("invalid_client", "the metadata is of another client or without DPoP")
    if metadata.get("token_endpoint_auth_method") == "none":
        return metadata
    if form.get("client_assertion_type") != ASSERTION_TYPE or "client_assertion" not in form:
        raise Refused("invalid_client", "the client assertion is missing")
    _check_assertion(world, form["client_assertion"], metadata, issuer)
    return metadata


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """https://www.rfc-editor.org/rfc/rfc7638 of a key on an elliptic curve."""
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    text = json.dumps(members, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def _check_assertion(world: World, assertion: str, metadata: Mapping[str, Any], issuer: str) -> None:
    client_id = metadata["client_id"]
    try:
        keys = world.fetch(str(metadata.get("jwks_uri")))["keys"]
        if any("d" in key for key in keys):
            raise Refused("invalid_client", "the client publishes its private key")
        key_id = jwt.get_unverified_header(assertion).get("kid")
        jwk = next((key for key in keys if key["kid"] == key_id), None)
        if jwk is None:
            raise Refused("invalid_client", "the client has no key of this kid")
        claims = _verified(assertion, jwk, required=["iss", "sub", "aud", "jti", "iat", "exp"])
    except (jwt.PyJWTError, ValueError, KeyError) as error:
        raise Refused("invalid_client", str(error)) from error
    if (claims["iss"], claims["sub"], claims["aud"]) != (client_id, client_id, issuer):
        raise Refused("invalid_client", "iss, sub or aud of the assertion is wrong")
    now = world.seconds()
    if not now < claims["exp"] <= now + ASSERTION_SECONDS or claims["iat"] > now + PROOF_SECONDS:
        raise Refused("invalid_client", "the assertion is over, or lives too long")
    if not world.use_id(claims["jti"]):
        raise Refused("invalid_client", "the assertion was used before")


def _verified(token: str, jwk: Mapping[str, Any], *, required: list[str]) -> dict[str, Any]:
    """The claims, signature checked; times are left to the caller, who has the world's clock."""
    options: Any = {"require": required, "verify_exp": False, "verify_iat": False, "verify_aud": False}
    claims: dict[str, Any] = jwt.decode(
        token, jwt.PyJWK(dict(jwk), algorithm=_ALGORITHM), algorithms=[_ALGORITHM], options=options
    )
    return claims
