"""The services whose data moves, one value each: the only place that knows them. Adding one: docs/migration.md."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lambda_src.migration.errors import BadUsage
from lambda_src.migration.mapping import ServiceMapping
from lambda_src.migration.mappings.nbhd_city import mapping as nbhd_city
from lambda_src.migration.mappings.nbhd_city.results import ImportFiles
from lambda_src.migration.mappings.nbhd_city.way_back import DOCUMENTS
from lambda_src.migration.mappings.stock_track_record import mapping as stock_track_record
from lambda_src.migration.mappings.stock_track_record.upgrade_layout import upgrade_phase
from lambda_src.migration.mappings.yoto_smart_stream import mapping as yoto_smart_stream
from lambda_src.migration.mappings.yoto_smart_stream.administrator import prepare
from lambda_src.migration.mappings.yoto_smart_stream.audio_files import audio_files_phase
from lambda_src.migration.mappings.yoto_smart_stream.secrets import secrets_phase
from lambda_src.migration.mappings.yoto_smart_stream.way_back import FILE
from lambda_src.migration.phases.export import export_phase
from lambda_src.migration.phases.job import Job
from lambda_src.migration.phases.results import Results
from lambda_src.migration.phases.reverse_export import WayBack
from lambda_src.migration.phases.statements import STATEMENTS
from lambda_src.migration.reports import Phase


@dataclass(frozen=True, slots=True)
class Option:
    """What an operator may choose for one service.

    name: of the argument that takes it, and with - for _ on the command line. type: bool for a flag, int, str, Path, or
    a Literal of texts. variable: of the environment, which says it where the command does not. between: least and most
    of an int. phases: that have it, None for all.
    """

    name: str
    type: Any
    default: object
    help: str
    variable: str | None = None
    between: tuple[int, int] | None = None
    phases: frozenset[str] | None = None

    @property
    def flag(self) -> str:
        """As it stands on the command line."""
        return f"--{self.name.rstrip('_').replace('_', '-')}"

    def is_of(self, phase: str) -> bool:
        """Whether a phase has it."""
        return self.phases is None or phase in self.phases


EXPORT: Final = "export"
FOLDER: Final = Option(
    "in_",
    Path | None,
    None,
    "Folder with the documents of an export, from which the rows come instead of DATABASE_URL",
    phases=frozenset({"check", "plan", "copy", "delta", "verify", "cutover", "export-s3", "reverse-export"}),
)
ALLOW_REJECTS: Final = Option(
    "allow_rejects",
    bool,
    False,
    "With --in: the rejected rows may stay behind",
    phases=frozenset({"check", "plan", "copy", "delta", "export-s3"}),
)
DOCUMENT_OPTIONS: Final = (FOLDER, ALLOW_REJECTS)


@dataclass(frozen=True, slots=True)
class Migration:
    """How the data of one service moves.

    make: its mapping, from its options by name. way_back: the form in which `reverse-export` writes rows. options,
    phases: those that not every service has. documents: what a run leaves behind whose rows come from a folder of JSON
    documents; None where rows come from a database only. prepare: what `init` does beside looking; facts for its page.
    """

    make: Callable[..., ServiceMapping]
    way_back: WayBack
    options: tuple[Option, ...] = ()
    phases: Mapping[str, Phase] = field(default_factory=dict)
    documents: Callable[[Path], Results] | None = None
    prepare: Callable[[Job], Mapping[str, object]] | None = None

    @property
    def own(self) -> frozenset[str]:
        """What may be on its command line and not on that of every other service: flags and phases."""
        return frozenset((*(option.flag for option in self.options), *self.phases))

    def mapping(self, chosen: Mapping[str, object]) -> ServiceMapping:
        """What becomes of its rows. chosen: every option by name, those of its kinds of source among them."""
        deciding = (option.name for option in self.options if option not in DOCUMENT_OPTIONS)
        return self.make(**{name: chosen[name] for name in deciding})


MIGRATIONS: Final[Mapping[str, Migration]] = {
    "stock_track_record": Migration(
        stock_track_record.mapping,
        way_back=STATEMENTS,
        phases={"upgrade-layout": upgrade_phase},
        options=(
            Option("requeue", bool, False, "Stock Track Record: begin unfinished runs anew"),
            Option(
                "excluded_tickers",
                str,
                stock_track_record.DEFAULT_EXCLUDED_TICKERS,
                "Stock Track Record: EXCLUDED_TICKERS of its worker",
                variable="EXCLUDED_TICKERS",
            ),
        ),
    ),
    "yoto_smart_stream": Migration(
        yoto_smart_stream.mapping,
        way_back=FILE,
        phases={"secrets": secrets_phase, "audio-files": audio_files_phase},
        prepare=prepare,
    ),
    "nbhd_city": Migration(
        nbhd_city.mapping,
        way_back=DOCUMENTS,
        documents=ImportFiles,
        phases={EXPORT: export_phase},
        options=(
            *DOCUMENT_OPTIONS,
            Option(
                "on_name_collision",
                nbhd_city.OnNameCollision,
                "fail",
                "nbhd.city, names that are one now: fail, or suffix the younger with (2)",
            ),
            Option(
                "list_shards",
                int,
                1,
                "nbhd.city: as the environment of its API",
                variable="NBHD_LIST_SHARDS",
                between=(1, 16),
            ),
        ),
    ),
}


def package_of(service: str) -> str:
    """The key of a service: `nbhd_city`, `nbhd-city` and `NbhdCity` are one. Raises BadUsage."""
    wanted = service.replace("_", "").replace("-", "").casefold()
    for package in MIGRATIONS:
        if package.replace("_", "") == wanted:
            return package
    raise BadUsage(f"{service} is no service; known are {', '.join(MIGRATIONS)}")


def refuse_what_others_have(package: str, given: Collection[str]) -> None:
    """Raises BadUsage for an option or a phase that other services have and this one does not."""
    for what in given:
        owners = [other for other, migration in MIGRATIONS.items() if what in migration.own]
        if owners and package not in owners:
            kind = "an option" if what.startswith("-") else "a phase"
            raise BadUsage(f"{what} is {kind} of {', '.join(owners)}")
