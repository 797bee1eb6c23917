"""Who sent a request, by the access token it brings: https://www.rfc-editor.org/rfc/rfc6750#section-2.1."""

from starlette.requests import Request

from lambda_src.runtime.tokens import MAX_TOKEN_BYTES, TokenMissing, TokenRefused


def bearer_token(request: Request) -> str:
    """The token of a request. Raises TokenMissing, and TokenRefused for one that is too long to be read."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise TokenMissing
    if len(token) > MAX_TOKEN_BYTES:
        raise TokenRefused
    return token
