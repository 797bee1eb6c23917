"""What administrators choose for everybody. There is one such setting: whether speech is turned into text."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from lambda_src.dynamo.store import Put, Store
from lambda_src.errors import InvalidInput
from lambda_src.runtime.clock import Clock
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.errors import SettingNotFound
from lambda_src.services.yoto_smart_stream.models import Setting, timestamp
from lambda_src.services.yoto_smart_stream.settings import Settings

TRANSCRIPTION_ENABLED: Final = "transcription_enabled"
_SPELLINGS: Final = {
    "1": "true", "true": "true", "yes": "true", "on": "true", "0": "false", "false": "false", "no": "false",
    "off": "false",
}  # fmt: skip


class Known(NamedTuple):
    default: str
    description: str


KNOWN: Final = {TRANSCRIPTION_ENABLED: Known("true", "Whether the speech in new files is turned into text")}


class Chosen(NamedTuple):
    """A setting as it stands: what was chosen, else its default."""

    key: str
    value: str
    known: Known


def spelled(value: str) -> str | None:
    """`true` or `false` for the ways to write them, None for anything else."""
    return _SPELLINGS.get(value.strip().lower())


@dataclass(frozen=True, slots=True)
class Preferences:
    store: Store
    settings: Settings
    clock: Clock

    def all(self) -> list[Chosen]:
        """Every setting there is. 1 request each."""
        return [self.get(key) for key in KNOWN]

    def get(self, key: str) -> Chosen:
        """One setting. Raises SettingNotFound. 1 request; 1 RRU."""
        known = _known(key)
        found = self.store.get(tables.SETTING_BY_KEY, setting_key=key)
        return Chosen(key, known.default if found is None else found.setting_value, known)

    def put(self, key: str, value: str, *, by: int) -> Chosen:
        """Choose. by: the id of who does. Raises SettingNotFound, InvalidInput. 1 request; 1 WRU."""
        known, meant = _known(key), spelled(value)
        if meant is None:
            raise InvalidInput(f"{key} is true or false")
        chosen = Setting(key, meant, updated_at=timestamp(self.clock()), updated_by=by)
        self.store.put(tables.PUT_SETTING, Put(tables.SETTING, chosen))
        return Chosen(key, meant, known)

    def has_transcription(self) -> bool:
        """Whether speech is turned into text: as the deployment says, else as was chosen. 1 request; 1 RRU, or none."""
        if self.settings.transcription_provider == "none":
            return False
        forced = self.settings.transcription_enabled
        return self.get(TRANSCRIPTION_ENABLED).value == "true" if forced is None else forced


def _known(key: str) -> Known:
    if key not in KNOWN:
        raise SettingNotFound
    return KNOWN[key]
