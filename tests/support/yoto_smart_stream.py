"""Yoto Smart Stream on a test table: the real services over DynamoDB Local, with a queue whose deliveries a test plays.

house = ...                                            # fixture `new_house`
john = house.user("john")                              # an account, written as if it had been there before
house.ask("GET", "/api/audio", by=john)                # a request with an access token of his
"""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, ClassVar, Final

import httpx

from lambda_src.runtime.secrets import Secret
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.messages import Message
from lambda_src.services.yoto_smart_stream.models import (
    AdminGuard,
    AudioFileRecord,
    EmailClaim,
    IdCounter,
    UserIdClaim,
    UserRecord,
    timestamp,
)
from lambda_src.services.yoto_smart_stream.names import content_type_of
from lambda_src.services.yoto_smart_stream.principals import AccessTokens
from tests.support.played import HeldSecret, PlayedService

QUEUE: Final = "http://queue.test/transcription"
DLQ: Final = "http://queue.test/transcription-dlq"
ORIGIN: Final = "http://localhost:5173"
PUBLIC_URL: Final = "https://api.yoto.test"
BUCKET: Final = "audio"
SIGNING_KEY: Final = "k" * 64
ADMIN_PASSWORD: Final = "generated-Pa55word-of-24c"

type Json = dict[str, Any]


class PlayedHouse(PlayedService[Message]):
    """The service over a given table, with everything around it under control."""

    package = "yoto_smart_stream"
    invocation_milliseconds = 120_000
    settings: ClassVar[Mapping[str, Any]] = {
        "s3_audio_bucket": BUCKET,
        "transcription_queue_url": QUEUE,
        "transcription_dlq_url": DLQ,
        "jwt_secret_arn": "keys",
        "bootstrap_admin_secret_arn": "admin",
        "cors_origins": ORIGIN,
        "public_url": PUBLIC_URL,
    }

    def __init__(self, *, more_secrets: Mapping[str, Secret] | None = None, **options: Any) -> None:
        self.signing_key = HeldSecret({"current": SIGNING_KEY})
        self.bootstrap_admin = HeldSecret({"username": "admin", "password": ADMIN_PASSWORD})
        self._ids = count(101)
        held: dict[str, Secret] = {"keys": self.signing_key, "admin": self.bootstrap_admin, **(more_secrets or {})}
        super().__init__(secrets=held, **options)

    # ---- what was there before the test began ------------------------------------------------------------------------

    def user(self, username: str, **fields: Any) -> UserRecord:
        """An account with all of its items, ids from 101 on. Nobody can sign in by password unless a hash is given."""
        now = timestamp(self.clock())
        given: Json = {"user_id": next(self._ids), "hashed_password": "$argon2id$"}
        given |= {"created_at": now, "updated_at": now}
        user = UserRecord(username=username, **given | fields)
        self.put_items(tables.USER.item(user), tables.USER_ID_CLAIM.item(UserIdClaim(user.user_id, user.username_key)))
        if user.email_key is not None:
            self.put_items(tables.EMAIL_CLAIM.item(EmailClaim(user.email_key, user.user_id, user.username_key)))
        if user.counts_as_admin:
            admins = (self.item(tables.ADMIN_GUARD.key()) or {}).get("active_admins", 0)
            self.put_items(tables.ADMIN_GUARD.item(AdminGuard(admins + 1)))
        self.put_items(tables.ID_COUNTER.item(IdCounter(user.user_id)))
        return user

    def admin(self, username: str = "boss", **fields: Any) -> UserRecord:
        return self.user(username, is_admin=True, **fields)

    def file(self, filename: str, by: UserRecord | None = None, **fields: Any) -> AudioFileRecord:
        """A file of the library, with a key of an object that nobody wrote."""
        now = timestamp(self.clock())
        given: Json = {
            "size": 1000, "content_type": content_type_of(filename), "created_at": now, "updated_at": now,
            "object_key": f"{tables.MEDIA}/{len(filename):032x}.mp3", "etag": "e1",
            "uploaded_by": None if by is None else by.user_id,
        }  # fmt: skip
        file = AudioFileRecord(filename=filename, **given | fields)
        self.put_items(tables.AUDIO.item(file))
        return file

    # ---- requests of users -------------------------------------------------------------------------------------------

    def token(self, user: UserRecord) -> str:
        """An access token of a user as read."""
        return self.part(AccessTokens).issue(user).text

    def ask(self, method: str, path: str, *, by: UserRecord | None = None, **options: Any) -> httpx.Response:
        """A request of a user, or of a visitor."""
        headers = dict(options.pop("headers", {}))
        if by is not None:
            headers["Authorization"] = f"Bearer {self.token(by)}"
        return self.api.request(method, path, headers=headers, **options)

    # ---- what a test looks at ----------------------------------------------------------------------------------------

    def stored_user(self, username: str) -> Json | None:
        return self.item(tables.USER.key(username_key=username.lower()))

    def stored_file(self, filename: str) -> Json | None:
        return self.item(tables.AUDIO.key(filename=filename))


type MakeHouse = Callable[..., PlayedHouse]
