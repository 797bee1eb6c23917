"""What was decided about the rows of a file of the earlier product, and the items that follow."""

from collections import Counter
from typing import Any, Final

from lambda_src.dynamo.values import from_item
from lambda_src.migration.derive import derive
from lambda_src.migration.mapping import MARK
from lambda_src.migration.mappings.yoto_smart_stream.mapping import mapping
from lambda_src.migration.snapshot import Snapshot
from lambda_src.services.yoto_smart_stream.models import AudioFileRecord, UserRecord
from lambda_src.services.yoto_smart_stream.tables import AUDIO, TRANSCRIPT, USER

SERVICE: Final = mapping()
BEGUN: Final = "2026-12-01T12:00:00+00:00"
BEGUN_HERE: Final = "2026-12-01T12:00:00.000000Z"


class Moved:
    """A snapshot whose rows have met what is in the tables. items: by key, without marks."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        derived = derive(snapshot, SERVICE, "m")
        found = [from_item(item) for answer in derived for _, item in answer.items]
        self.items: dict[tuple[str, str], dict[str, Any]] = {
            (item["PK"], item["SK"]): {name: value for name, value in item.items() if name != MARK} for item in found
        }
        assert len(self.items) == len(found), "two rows make one item"

    @property
    def keys(self) -> set[str]:
        """Partition keys."""
        return {partition for partition, _ in self.items}

    def user(self, name: str) -> UserRecord:
        """By its name in lower case."""
        return USER.model(self.items[f"USER#{name}", "PROFILE"])

    def file(self, name: str) -> AudioFileRecord:
        return AUDIO.model(self.items[f"AUDIO#{name}", "METADATA"])

    def text(self, name: str) -> str:
        return TRANSCRIPT.model(self.items[f"AUDIO#{name}", "TRANSCRIPT"]).text

    @property
    def kinds(self) -> dict[str, int]:
        """Rejected rows by kind."""
        return dict(sum(self.snapshot.reject_counts().values(), Counter[str]()))

    @property
    def notes(self) -> list[str]:
        """Their kinds."""
        return [str(note["kind"]) for note in self.snapshot.notes()]
