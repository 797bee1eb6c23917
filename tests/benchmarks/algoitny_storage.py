"""What the storage of AlgoItny's example takes, and what it would take without the savings that were claimed for it."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from lambda_src.dynamo.schema import Entity
from lambda_src.dynamo.sizes import item_size_bytes
from lambda_src.services.algoitny.items import GSI1, GSI2, MAIN
from lambda_src.services.algoitny.models.histories import read_results

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html, of each item and entry
OVERHEAD_BYTES: Final = 100
DAYS_KEPT: Final = 90
DAYS_OF_A_YEAR: Final = 365
EXPIRING: Final = frozenset({"ulog", "ucnt", "uidem"})

type Item = Mapping[str, Any]


def storage(items: Iterable[Item]) -> dict[str, float]:
    """Bytes by what is stored, and the three savings, as shares: short names, keys alone in GSI2, expiry."""
    found = list(items)
    short = {name: sum(map(measure, found)) for name, measure in _PARTS.items()}
    long = {name: sum(map(measure, map(with_long_names, found))) for name, measure in _PARTS.items()}
    all_of_gsi2 = sum(_stored(item) for item in found if GSI2.partition in item)
    usage = sum(_stored(item) for item in found if item.get("tp") in EXPIRING)
    stays = sum(short.values()) - usage
    return {
        **short,
        "usage": usage,
        "saved by short names": 1 - sum(short.values()) / sum(long.values()),
        "saved in GSI2 by keys alone": 1 - short["GSI2"] / all_of_gsi2,
        "saved of usage by expiry, after a year": 1 - DAYS_KEPT / DAYS_OF_A_YEAR,
        "saved of everything by expiry, after a year": _saved_by_expiry(stays, usage),
    }


def with_long_names(item: Item) -> dict[str, Any]:
    """The same item under the names that the models have."""
    entity = _ENTITIES.get(item.get("tp"))
    if entity is None:
        return dict(item)
    names = {entity.codec.stored_name(name): name for name in entity.codec.fields}
    if "trs" in item:
        results = [{name: getattr(each, name) for name in each.__slots__} for each in read_results(item["trs"])]
        item = {**item, "trs": [{name: value for name, value in each.items() if value != ""} for each in results]}
    return {names.get(name, _LONG.get(name, name)): value for name, value in item.items()}


def _saved_by_expiry(stays: float, usage: float) -> float:
    """Were every day like the example: what the last 90 days of usage save against all of a year's."""
    kept, all_of_it = (DAYS_OF_A_YEAR * stays + days * usage for days in (DAYS_KEPT, DAYS_OF_A_YEAR))
    return 1 - kept / all_of_it


def _stored(item: Item) -> int:
    return item_size_bytes(item) + OVERHEAD_BYTES


def _in_gsi1(item: Item) -> int:
    return _stored(item) if GSI1.partition in item else 0


def _in_gsi2(item: Item) -> int:
    keys = (*MAIN.key_names, GSI2.partition, GSI2.sort)
    return _stored({name: item[name] for name in keys if name}) if GSI2.partition in item else 0


_LONG: Final = {"tp": "entity_type"}
_ENTITIES: Final[Mapping[Any, Entity[Any]]] = {
    each.constants["tp"]: each for each in MAIN.entities if "tp" in each.constants and each.constants["tp"] != "uniq"
}
_PARTS: Final = {"table": _stored, "GSI1": _in_gsi1, "GSI2": _in_gsi2}
