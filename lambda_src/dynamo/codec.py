"""From a stored item to its model and back, derived from the dataclass.

Reading is on the way of every request, and a list reads hundreds of items. So the reader of a model is compiled from
its fields, as `dataclasses` does with `__init__`, the first time it is needed: it takes each attribute right out of
DynamoDB's answer, about as fast as a reader written by hand. Writing is rare and stays a loop.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NamedTuple, NewType, TypeAliasType, Union, get_args, get_origin

from lambda_src.dynamo.keys import KeyTemplate
from lambda_src.dynamo.values import AttributeValue, from_value

type _Attributes = Mapping[str, AttributeValue]

# How a value of each type is taken out of {"S": "text"} and so on; everything else is read as `values.from_value` does.
_READERS: Final[Mapping[type, str]] = {
    str: "{v}['S']",
    bool: "{v}['BOOL']",
    int: "int({v}['N'])",
    Decimal: "Decimal({v}['N'])",
    bytes: "{v}['B']",
    frozenset: "frozenset({v}['SS'])",
    tuple: "tuple(value({v}))",
}
_ANYTHING: Final = "value({v})"


_NOT_GIVEN: Final = object()  # `dataclasses.MISSING` would say that the field has no default


class Stored(NamedTuple):
    """How one attribute is stored, where that differs from the model.

    It stands in the entity (`stored={"email": Stored("em")}`) or beside the field (`Annotated[str, Stored("em")]`).

    name: in the item. read, write: from and to the stored Python value. default: what an item that lacks it is read
    as, where the model has no default or another; fallback: the attribute whose value stands in for it, also where it
    is empty. omit_default: leave it out of new items while it has the model's default. prefix: the field is a mapping
    of whole numbers, each an attribute `<prefix><key>` of its own, so that `Update.add` counts it up from nothing.
    """

    name: str | None = None
    read: Callable[[Any], Any] | None = None
    write: Callable[[Any], Any] | None = None
    default: object = _NOT_GIVEN
    fallback: str | None = None
    omit_default: bool = False
    prefix: str | None = None


class ItemCodec[M]:
    """Reads and writes the attributes of a dataclass; keys are none of its business but for attributes only they hold.

    parse: for such an attribute, the key attribute it is in and its template.
    """

    def __init__(
        self,
        model: type[M],
        *,
        stored: Mapping[str, Stored],
        key_only: Sequence[str],
        derived: Sequence[str],
        parse: Callable[[str], tuple[str, KeyTemplate]],
    ) -> None:
        self._model = model
        self._key_only = frozenset(key_only)
        self._derived = tuple(derived)
        self._parse = parse
        self._read: Callable[[_Attributes], M] | None = None
        self.fields: Final = {field.name: field for field in dataclasses.fields(model)}  # type: ignore[arg-type]
        self._stored: Final = {**_marked(self.fields), **stored}
        unknown = (stored.keys() | self._key_only) - self.fields.keys()
        if unknown:
            raise ValueError(f"{model.__name__} has no attributes {sorted(unknown)}")

    def stored_name(self, name: str) -> str:
        """The name of an attribute in an item; a name that is none of the model's is returned as it is."""
        known = self._stored.get(name)
        return name if known is None or known.name is None else known.name

    def stored_value(self, name: str, value: object) -> object:
        known = self._stored.get(name)
        return value if known is None or known.write is None or value is None else known.write(value)

    def is_stored(self, name: str) -> bool:
        """Whether an item may have an attribute for this one of the model; a key alone has what it lacks."""
        return name not in self._key_only

    def key_value(self, name: str, text: str) -> str | int:
        """A value that was read from a key, as the model has it."""
        field = self.fields.get(name)
        return int(text) if field is not None and base_type(field.type) is int else text

    def attributes(self, model: M) -> dict[str, object]:
        """What an item of this model holds beside its keys."""
        found: dict[str, object] = {}
        for name, field in self.fields.items():
            value = getattr(model, name)
            known = self._stored.get(name)
            if name in self._key_only or (known is not None and known.omit_default and value == field.default):
                continue
            if known is not None and known.prefix is not None:
                found |= {f"{known.prefix}{key}": number for key, number in value.items()}
            else:
                found[self.stored_name(name)] = self.stored_value(name, value)
        return found | {name: getattr(model, name) for name in self._derived}

    def decode(self, attributes: _Attributes) -> M:
        """The model of an item. Attributes that are NULL count as absent. Raises KeyError for one that is missing."""
        read = self._read or self.compile()
        try:
            return read(attributes)
        except KeyError:
            present = {name: value for name, value in attributes.items() if "NULL" not in value}
            if len(present) == len(attributes):
                raise
            return read(present)

    def compile(self) -> Callable[[_Attributes], M]:
        """Make the reader now rather than at its first use: before a snapshot, or to see what it costs."""
        names: dict[str, Any] = {"model": self._model, "Decimal": Decimal, "value": _present}
        arguments = ", ".join(f"{name}={self._expression(field, names)}" for name, field in self.fields.items())
        exec(f"def read(a):\n    return model({arguments})", names)  # noqa: S102 -- made of our own declarations
        read: Callable[[_Attributes], M] = names["read"]
        self._read = read
        return read

    def _expression(self, field: "dataclasses.Field[Any]", names: dict[str, Any]) -> str:
        """The source of what reads a field out of `a`; values it needs are added to the names it sees."""
        known = self._stored.get(field.name, _AS_IT_IS)
        if (prefix := known.prefix) is not None:
            return f"{{k[{len(prefix)}:]: int(v['N']) for k, v in a.items() if k.startswith({prefix!r})}}"
        attribute, reader = self._reader(field, known, names)
        if known.fallback is not None:
            other, names["_EMPTY"] = self.stored_name(known.fallback), {"S": ""}
            is_there = f"(v := a.get({attribute!r})) and v != _EMPTY"
            if known.default is _NOT_GIVEN:
                return reader.format(v=f"(v if {is_there} else a[{other!r}])")
            names[f"default_{field.name}"] = known.default
            return f"({reader.format(v='v')} if {is_there} or (v := a.get({other!r})) else default_{field.name})"
        default = _default_of(field) if known.default is _NOT_GIVEN else known.default
        if default is MISSING:
            return reader.format(v=f"a[{attribute!r}]")
        names[f"default_{field.name}"] = default
        return f"({reader.format(v='v')} if (v := a.get({attribute!r})) is not None else default_{field.name})"

    def _reader(self, field: "dataclasses.Field[Any]", known: Stored, names: dict[str, Any]) -> tuple[str, str]:
        """The attribute a field is in, and the source of what makes its value of `{v}`, as it comes over the wire."""
        name, kind = field.name, base_type(field.type)
        if name in self._key_only:
            attribute, template = self._parse(name)
            names[f"parse_{name}"] = template.parse
            text = f"parse_{name}({{v}}['S'])[{name!r}]"
            return attribute, f"int({text})" if kind is int else text
        if known.read is None:
            return self.stored_name(name), _READERS.get(kind, _ANYTHING)
        names[f"read_{name}"] = known.read
        return self.stored_name(name), f"read_{name}({_ANYTHING})"


def base_type(annotation: object) -> type:
    """The class whose values a field holds: of `Decimal | None` and of a NewType the class behind, else object.

    Raises TypeError for an annotation in quotes, which does not say it.
    """
    if isinstance(annotation, str):
        raise TypeError(f"write {annotation} without quotes: the codec is made of it")
    if isinstance(annotation, TypeAliasType):
        return base_type(annotation.__value__)
    if isinstance(annotation, NewType):
        return base_type(annotation.__supertype__)
    origin = get_origin(annotation)
    if origin is Annotated:
        return base_type(get_args(annotation)[0])
    if origin is Literal:
        return type(get_args(annotation)[0])
    if origin in {Union, UnionType}:
        inner = {base_type(each) for each in get_args(annotation) if each is not NoneType}
        return inner.pop() if len(inner) == 1 else object
    found = origin or annotation
    return found if isinstance(found, type) else object


def _marked(fields: "Mapping[str, dataclasses.Field[Any]]") -> dict[str, Stored]:
    """What stands beside the fields of a model."""
    marks = {name: getattr(field.type, "__metadata__", ()) for name, field in fields.items()}
    return {name: mark for name, found in marks.items() for mark in found if isinstance(mark, Stored)}


def _present(value: AttributeValue) -> object:
    """A value of any type. Raises KeyError for NULL, like the readers of one type."""
    if "NULL" in value:
        raise KeyError("NULL")
    return from_value(value)


def _default_of(field: "dataclasses.Field[Any]") -> object:
    if field.default_factory is not MISSING:
        return field.default_factory()  # immutable in a frozen model: an empty tuple or frozenset
    return field.default


_AS_IT_IS: Final = Stored()
