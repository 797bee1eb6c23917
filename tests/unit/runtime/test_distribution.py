"""Signed addresses of a distribution: what is signed, with what, and until when."""

import json
from base64 import b64decode
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from lambda_src.runtime.distribution import Distribution, RsaKey
from lambda_src.runtime.secrets import SecretMalformed
from tests.support.played import HeldSecret

NOW: Final = datetime(2025, 1, 15, 8, 30, 0, 999_999, tzinfo=UTC)
FORMATS: Final = {"pkcs8": PrivateFormat.PKCS8, "pkcs1": PrivateFormat.TraditionalOpenSSL}


@pytest.fixture(scope="module", params=[2048, 2048 + 8])
def private_key(request):
    return rsa.generate_private_key(65_537, request.param)


def pem(key, form=PrivateFormat.PKCS8, encryption=None) -> str:
    text: bytes = key.private_bytes(Encoding.PEM, form, encryption or NoEncryption())
    return text.decode()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("message", [b"", b"a", b"{}" * 1_000], ids=["empty", "short", "long"])
def test_a_signature_is_the_one_that_everybody_makes(private_key, form, message):
    key = RsaKey.of_pem(pem(private_key, FORMATS[form]))
    assert key.sign(message) == private_key.sign(message, padding.PKCS1v15(), SHA1())  # noqa: S303


def test_an_address_says_until_when_it_works_and_is_signed_for_it(private_key):
    secret = HeldSecret({"private_key": pem(private_key)})
    distribution = Distribution("https://d1.cloudfront.net", "K2", secret, clock=lambda: NOW)

    signed = distribution.sign("media/a b.mp3", seconds=3600)

    assert signed.expires_at == datetime(2025, 1, 15, 9, 30, tzinfo=UTC)
    address = signed.url.partition("?")[0]
    assert address == "https://d1.cloudfront.net/media/a%20b.mp3"
    said = {name: values[0] for name, values in parse_qs(urlsplit(signed.url).query).items()}
    ends = int(signed.expires_at.timestamp())
    assert (said["Expires"], said["Key-Pair-Id"], len(said)) == (str(ends), "K2", 3)
    policy = {"Statement": [{"Resource": address, "Condition": {"DateLessThan": {"AWS:EpochTime": ends}}}]}
    signature = b64decode(said["Signature"].replace("-", "+").replace("_", "=").replace("~", "/"))
    private_key.public_key().verify(
        signature,
        json.dumps(policy, separators=(",", ":")).encode(),
        padding.PKCS1v15(),
        SHA1(),  # noqa: S303
    )
    assert said["Signature"] not in repr(signed)


def test_a_key_that_was_replaced_signs_what_comes_next():
    old, new = (rsa.generate_private_key(65_537, 2048) for _ in range(2))
    secret = HeldSecret({"private_key": pem(old)})
    distribution = Distribution("https://d1.cloudfront.net", "K2", secret, clock=lambda: NOW)
    before = distribution.sign("media/a.mp3", seconds=60)
    assert distribution.sign("media/a.mp3", seconds=60) == before
    secret.held["private_key"] = pem(new)
    assert distribution.sign("media/a.mp3", seconds=60) != before


WRONG: Final = {
    "empty": "",
    "words": "not a key",
    "no base64": "-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----",
    "cut": "-----BEGIN PRIVATE KEY-----\nMIIEvg==\n-----END PRIVATE KEY-----",
    "a number": "-----BEGIN PRIVATE KEY-----\nAgEB\n-----END PRIVATE KEY-----",
    "nothing": "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----",
    "elliptic": pem(ec.generate_private_key(ec.SECP256R1())),
    "encrypted": pem(rsa.generate_private_key(65_537, 2048), encryption=BestAvailableEncryption(b"x")),
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_what_is_no_key_is_told_without_showing_it(text):
    distribution = Distribution("https://d1", "K2", HeldSecret({"private_key": text}), clock=lambda: NOW)
    with pytest.raises(SecretMalformed, match="private_key that can sign") as caught:
        distribution.sign("media/a.mp3", seconds=60)
    assert not text or text not in str(caught.value.__cause__)
