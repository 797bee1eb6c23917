"""The access token of a request, or a clear refusal."""

import pytest
from starlette.requests import Request

from lambda_src.runtime.bearer import bearer_token
from lambda_src.runtime.tokens import MAX_TOKEN_BYTES, TokenMissing, TokenRefused


def request_with(header: str | None) -> Request:
    headers = [] if header is None else [(b"authorization", header.encode("latin-1"))]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize("header", ["Bearer abc", "bearer abc", "BEARER   abc  "])
def test_a_token_is_what_follows_the_scheme(header):
    assert bearer_token(request_with(header)) == "abc"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "abc", "Bearerabc"])
def test_without_a_token_there_is_none(header):
    with pytest.raises(TokenMissing):
        bearer_token(request_with(header))


def test_a_token_of_any_size_is_not_read():
    assert bearer_token(request_with("Bearer " + "x" * MAX_TOKEN_BYTES)) == "x" * MAX_TOKEN_BYTES
    with pytest.raises(TokenRefused):
        bearer_token(request_with("Bearer " + "x" * (MAX_TOKEN_BYTES + 1)))
