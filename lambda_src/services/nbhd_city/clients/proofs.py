"""What the client signs with elliptic curves: DPoP proofs and client assertions. PyJWT does the cryptography.

DPoP: https://www.rfc-editor.org/rfc/rfc9449, assertions: https://www.rfc-editor.org/rfc/rfc7523. PyJWT is imported
where it is used: that takes 30 ms of a cold start, which only a sign-in pays for.
"""

import json
import uuid
from collections.abc import Mapping
from typing import Any, Final

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
