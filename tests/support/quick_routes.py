"""Routes of an application that were looked at once: reading a signature is most of the time that it takes to build."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from inspect import Signature, signature
from typing import Any, Final
from unittest.mock import patch

from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_dependant

_seen: Final[dict[object, tuple[Signature, Dependant]]] = {}  # the signature keeps alive what the key names by identity


@contextmanager
def quick_routes() -> Iterator[None]:
    """Applications made inside share what FastAPI found out about routes of the same path and the same parameters."""
    with patch("fastapi.routing.get_dependant", _remembered):
        yield


def _remembered(*, path: str, call: Callable[..., Any], **options: Any) -> Dependant:
    found = signature(call)
    parameters = tuple(
        (each.name, each.kind, id(each.annotation), id(each.default)) for each in found.parameters.values()
    )
    key = (path, parameters, tuple(options.items()))
    if key not in _seen:
        _seen[key] = found, get_dependant(path=path, call=call, **options)
    dependant = _seen[key][1]
    return replace(dependant, call=call, dependencies=[*dependant.dependencies])
