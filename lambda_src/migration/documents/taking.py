"""Files -> snapshot: the rows of an export, decided about like those of a database."""

from pathlib import Path

from lambda_src.migration.documents.files import Manifest, entries, read_manifest
from lambda_src.migration.mapping import ServiceMapping
from lambda_src.migration.phases.job import Advance
from lambda_src.migration.snapshot import Snapshot
from lambda_src.migration.source.version import mapping_version


class FileSource:
    """An export in a folder. Raises BadDocument when a file is missing or is not what the manifest says."""

    def __init__(self, folder: Path, mapping: ServiceMapping) -> None:
        self.folder = folder
        self.mapping = mapping
        self.manifest: Manifest = read_manifest(folder)

    @property
    def rows(self) -> int:
        """Rows of all tables together."""
        return sum(self.manifest.part(source.name).count for source in self.mapping.sources)

    def take(self, path: Path, *, on_rows: Advance) -> None:
        """Read the rows into a finished snapshot. Raises BadDocument, and leaves no file then."""
        counts: dict[str, int] = {}
        digest_sum = 0
        try:
            with Snapshot.begin(path, self.mapping) as snapshot:
                for source in self.mapping.sources:
                    rows = entries(self.folder, source, self.manifest.part(source.name), on_entries=on_rows)
                    counts[source.name], digest = snapshot.load(source, rows)
                    digest_sum += digest
                snapshot.finish(
                    taken_at=self.manifest.exported_at,
                    mapping_version=mapping_version(self.mapping),
                    rows=counts,
                    digest_sum=digest_sum,
                )
        except BaseException:
            path.unlink(missing_ok=True)  # rows are personal data
            raise
