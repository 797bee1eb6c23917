"""The services whose data moves, one value each: the only place that knows them. Adding one: docs/migration.md."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lambda_src.migration.errors import BadUsage
from lambda_src.migration.mapping import ServiceMapping
from lambda_src.migration.mappings.nbhd_city import mapping as nbhd_city
from lambda_src.migration.mappings.stock_track_record import mapping as stock_track_record
from lambda_src.migration.mappings.stock_track_record.upgrade_layout import upgrade_phase
from lambda_src.migration.reports import Phase


@dataclass(frozen=True, slots=True)
class Option:
    """What an operator may choose for one service.

    name: as `make` has it, and with - for _ on the command line. type: bool for a flag, int, str, or a Literal of
    texts. variable: of the environment, which says it where the command does not. between: least and most of an int.
    """

    name: str
    type: Any
    default: object
    help: str
    variable: str | None = None
    between: tuple[int, int] | None = None

    @property
    def flag(self) -> str:
        """As it stands on the command line."""
        return f"--{self.name.replace('_', '-')}"


@dataclass(frozen=True, slots=True)
class Migration:
    """How the data of one service moves.

    make: its mapping, from its options by name. phases: those it has beside the ones of all, by name.
    """

    make: Callable[..., ServiceMapping]
    options: tuple[Option, ...] = ()
    phases: Mapping[str, Phase] = field(default_factory=dict)

    @property
    def own(self) -> frozenset[str]:
        """What may be on its command line and not on that of every other service: options and phases."""
        return frozenset((*(option.flag for option in self.options), *self.phases))


MIGRATIONS: Final[Mapping[str, Migration]] = {
    "stock_track_record": Migration(
        stock_track_record.mapping,
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
        phases={"upgrade-layout": upgrade_phase},
    ),
    "nbhd_city": Migration(
        nbhd_city.mapping,
        options=(
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
