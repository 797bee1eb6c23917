"""Addresses of a CloudFront distribution that whoever has them may read until they end.

CloudFront wants RSA with SHA-1 (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/
private-content-creating-signed-url-canned-policy.html). Making such a signature takes a power and a padding, which
Python has; the packages that make them otherwise are larger than all the rest of a bundle.
"""

import hashlib
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Final
from urllib.parse import quote

from botocore.signers import CloudFrontSigner

from lambda_src.runtime.clock import Clock
from lambda_src.runtime.objects import SignedUrl
from lambda_src.runtime.secrets import Secret, SecretMalformed

PRIVATE_KEY: Final = "private_key"
_INTEGER: Final = 0x02
_SEQUENCE: Final = 0x30
# https://www.rfc-editor.org/rfc/rfc8017#section-9.2, note 1
_SHA1_PREFIX: Final = bytes.fromhex("3021300906052b0e03021a05000414")


@dataclass(frozen=True, slots=True)
class RsaKey:
    """A private key. modulus, exponent: `n` and `d` of RFC 8017."""

    modulus: int
    exponent: int

    @classmethod
    def of_pem(cls, text: str) -> "RsaKey":
        """A key as OpenSSL writes it, `BEGIN PRIVATE KEY` or `BEGIN RSA PRIVATE KEY`. Raises ValueError.

        https://www.rfc-editor.org/rfc/rfc8017#appendix-A.1.2, inside https://www.rfc-editor.org/rfc/rfc5208#section-5
        """
        lines = text.strip().splitlines()
        if len(lines) < 3 or lines[0] not in {"-----BEGIN PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----"}:
            raise ValueError("this is no unencrypted private key in PEM")
        parts = _sequence(b64decode("".join(lines[1:-1]), validate=True))
        if len(parts) > 2 and parts[1][0] == _SEQUENCE:  # PKCS 8: version, algorithm, and the key as octets
            parts = _sequence(parts[2][1])
        if len(parts) < 4 or any(tag != _INTEGER for tag, _ in parts):
            raise ValueError("this is no private key of RSA")
        _, modulus, _, exponent = (int.from_bytes(content) for _, content in parts[:4])
        return cls(modulus, exponent)

    def sign(self, message: bytes) -> bytes:
        """The signature, PKCS 1 version 1.5 with SHA-1. About 15 ms for 2048 bits."""
        size = (self.modulus.bit_length() + 7) // 8
        ending = _SHA1_PREFIX + hashlib.sha1(message, usedforsecurity=False).digest()
        padded = b"\x00\x01" + b"\xff" * (size - 3 - len(ending)) + b"\x00" + ending
        return pow(int.from_bytes(padded), self.exponent, self.modulus).to_bytes(size)


class Distribution:
    """Signs addresses of one distribution.

    base_url: its address, without a slash at its end. key_pair_id: of the public key that it trusts. secret: holds the
    private one, as `private_key`.
    """

    def __init__(self, base_url: str, key_pair_id: str, secret: Secret, *, clock: Clock) -> None:
        self._base_url = base_url
        self._key_pair_id = key_pair_id
        self._secret = secret
        self._clock = clock
        self._key = cache(_key)  # by its text: what is read anew is parsed once

    def sign(self, key: str, *, seconds: int) -> SignedUrl:
        """An address that reads an object for that many seconds, by GET and by HEAD.

        Raises what reading the secret raises, SecretMalformed for one that is no key. A request when the secret is not
        at hand.
        """
        expires_at = self._clock().replace(microsecond=0) + timedelta(seconds=seconds)
        try:
            signing = self._key(self._secret.get(PRIVATE_KEY))
        except ValueError as error:
            raise SecretMalformed(f"The secret has no {PRIVATE_KEY} that can sign") from error
        signer = CloudFrontSigner(self._key_pair_id, signing.sign)
        url = signer.generate_presigned_url(f"{self._base_url}/{quote(key)}", date_less_than=expires_at)
        return SignedUrl(url, expires_at)


def _key(text: str) -> RsaKey:
    return RsaKey.of_pem(text)


def _sequence(encoded: bytes) -> list[tuple[int, bytes]]:
    """The parts of a sequence, each with its tag. Raises ValueError for what is none."""
    [(tag, content)] = _parts(encoded)
    if tag != _SEQUENCE:
        raise ValueError("this is no sequence")
    return list(_parts(content))


def _parts(encoded: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of what stands one after another, in DER: https://www.itu.int/rec/T-REC-X.690, section 8.1."""
    place = 0
    while place < len(encoded):
        if place + 2 > len(encoded):
            raise ValueError("cut off")
        tag, length = encoded[place], encoded[place + 1]
        place += 2
        if length & 0x80:
            count = length & 0x7F
            length = int.from_bytes(encoded[place : place + count])
            place += count
        if place + length > len(encoded):
            raise ValueError("cut off")
        yield tag, encoded[place : place + length]
        place += length
