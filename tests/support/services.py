"""Every service, found by its folder, and the modules that are read as data."""

import inspect
import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from types import FunctionType, ModuleType

import lambda_src.services


@cache
def service_names() -> tuple[str, ...]:
    """The packages under `lambda_src/services`."""
    return tuple(module.name for module in pkgutil.iter_modules(lambda_src.services.__path__) if module.ispkg)


def module_of(service: str, name: str) -> ModuleType:
    return import_module(f"lambda_src.services.{service}.{name}")


def repository_classes(service: str) -> Iterator[type]:
    """The classes `...Repository` of a service's features, each once."""
    package = import_module(f"lambda_src.services.{service}")
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if found.name.endswith(".repository"):
            module = import_module(found.name)
            for name, member in vars(module).items():
                if name.endswith("Repository") and inspect.isclass(member) and member.__module__ == module.__name__:
                    yield member


def public_methods(cls: type) -> dict[str, FunctionType]:
    return {
        name: member
        for name, member in vars(cls).items()
        if isinstance(member, FunctionType) and not name.startswith("_")
    }
