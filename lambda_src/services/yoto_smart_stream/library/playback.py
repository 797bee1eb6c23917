"""Where the audio of a file is fetched from: an address that works for an hour, for whoever has it."""

from dataclasses import dataclass
from typing import Final

from lambda_src.runtime.distribution import Distribution
from lambda_src.runtime.objects import Method, ObjectClient, SignedUrl
from lambda_src.services.yoto_smart_stream.errors import ConfigurationError, ObjectGone
from lambda_src.services.yoto_smart_stream.models import AudioFileRecord

URL_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class Playback:
    """objects: the bucket of the files; None where there is none, as on SQLite. distribution: where one serves it."""

    objects: ObjectClient | None
    distribution: Distribution | None = None

    def signed(self, file: AudioFileRecord, *, method: Method = "GET") -> SignedUrl:
        """An address of a file's audio; one of S3 is good for this method alone.

        Raises ObjectGone, ConfigurationError. No request, but for the key of a distribution. Nobody looks whether the
        object is there.
        """
        if file.object_key is None:
            raise ObjectGone
        if self.objects is None:
            raise ConfigurationError("The server is not configured: there is no bucket for audio files")
        if self.distribution is not None:
            return self.distribution.sign(file.object_key, seconds=URL_SECONDS)
        return self.objects.sign(
            file.object_key,
            seconds=URL_SECONDS,
            content_type=file.content_type,
            filename=file.filename,
            method=method,
        )
