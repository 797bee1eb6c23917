"""What the stand-in knows: its people, who may ask it, the codes it gave out, and what a test wants to go wrong."""

import json
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from cdk_app.services.stand_ins.answers import Answer, Json
from cdk_app.services.stand_ins.codes import Codes

type Endpoint = Literal["certs", "token"]

CLIENT_ID: Final = "algoitny-local.apps.googleusercontent.com"
ISSUER: Final = "https://accounts.google.com"
TOKEN_SECONDS: Final = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with a Google account. sub: its id, which never changes."""

    sub: str
    email: str
    name: str
    picture: str = ""
    email_verified: bool = True


_NAMES: Final = (
    "Ann Keller", "Bao Nguyen", "Carla Rossi", "Dmitri Volkov", "Emre Yilmaz", "Fatima Haddad", "Goran Petrovic",
    "Hana Suzuki", "Ivo Horvat", "Jin Park", "Kofi Mensah", "Lea Dubois", "Mina Kim", "Noor Rahman", "Olu Adeyemi",
    "Priya Nair", "Quinn Murphy", "Rosa Delgado", "Sven Larsson", "Tara Singh", "Uma Iyer", "Vera Novak", "Wei Chen",
    "Xenia Papadaki", "Yara Costa", "Zoe Martin", "Adam Nowak", "Berta Lindqvist", "Chidi Okafor", "Dana Levi",
)  # fmt: skip
SAMPLE_PEOPLE: Final = tuple(
    Person(
        sub=f"1080000000000000{number:05}", email=f"{name.partition(' ')[0].lower()}@algoitny.example", name=name
    )
    for number, name in enumerate(_NAMES, start=1)
)  # fmt: skip
ADMINISTRATOR: Final = Person(sub="108000000000000099999", email="admin@algoitny.example", name="Administrator")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request for a code that was accepted. challenge: S256 of the verifier, empty without PKCE."""

    client_id: str
    redirect_uri: str
    state: str = ""
    challenge: str = ""
    nonce: str = ""


class World:
    """State of one stand-in; its server's threads and a test's share it. seconds: the time since 1970.

    client_ids: who may ask; client_secret: what they prove it with, "" for whatever is not empty. key: signs;
    one is made with every start where none is given, as Google's changes every few weeks.
    """

    def __init__(
        self,
        *,
        people: Sequence[Person] = (*SAMPLE_PEOPLE, ADMINISTRATOR),
        client_ids: Sequence[str] = (CLIENT_ID,),
        client_secret: str = "",
        seconds: Callable[[], float] = time.time,
        key: rsa.RSAPrivateKey | None = None,
    ) -> None:
        self.people = {person.email: person for person in people}
        self.client_ids = frozenset(client_ids)
        self.client_secret = client_secret
        self.seconds = seconds
        self._key = key or rsa.generate_private_key(65_537, 2_048)
        self._key_id = f"{self._key.public_key().public_numbers().n % 2**64:016x}"
        self.codes = Codes[tuple[Request, Person]](seconds)
        self.calls: Counter[Endpoint] = Counter()
        self._lock = Lock()
        self._faults: defaultdict[Endpoint, deque[Answer]] = defaultdict(deque)

    # ---- for tests -------------------------------------------------------------------------------------------------

    def order(self, endpoint: Endpoint, *faults: Answer) -> None:
        """The next calls of an endpoint get these answers, one each, before any rule is asked."""
        with self._lock:
            self._faults[endpoint].extend(faults)

    # ---- for the rules ---------------------------------------------------------------------------------------------

    def called(self, endpoint: Endpoint) -> Answer | None:
        """Note a call. What it gets in place of an answer, where that was ordered."""
        with self._lock:
            self.calls[endpoint] += 1
            waiting = self._faults[endpoint]
            return waiting.popleft() if waiting else None

    def certs(self) -> Json:
        """The public key, as https://www.googleapis.com/oauth2/v3/certs has several."""
        jwk = json.loads(RSAAlgorithm.to_jwk(self._key.public_key()))
        return {
            "keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self._key_id, "n": jwk["n"], "e": jwk["e"]}]
        }

    def id_token(self, person: Person, client_id: str = CLIENT_ID, **changes: Any) -> str:
        """A token about a person for a client. changes: of its claims; None leaves one out.

        https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload
        """
        now = int(self.seconds())
        claims: dict[str, Any] = {
            "iss": ISSUER, "azp": client_id, "aud": client_id, "sub": person.sub, "email": person.email,
            "email_verified": person.email_verified, "name": person.name, "picture": person.picture or None,
            "iat": now, "exp": now + TOKEN_SECONDS, **changes,
        }  # fmt: skip
        stated = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(stated, self._key, algorithm="RS256", headers={"kid": self._key_id})
