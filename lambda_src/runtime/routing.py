"""How plain `def` endpoints are run."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute


class InlineRoute(APIRoute):
    """Runs plain `def` endpoints and dependencies where they are called instead of in a thread pool.

    A Lambda process serves one request at a time, so a pool gains nothing there; starting it costs about 15 ms of the
    first request and handing over 0.4 ms of every one. A server with many requests in one process must not use it.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, inline(endpoint), **options)
        _inline_dependencies(self.dependant)


@functools.cache  # one wrapper per function: FastAPI remembers a dependency's value for a request by its function
def inline(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as a coroutine function of the same signature; coroutine functions come back as they are.

    Raises TypeError for a generator: written as `async def` with `yield`, it needs no thread.
    """
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return function
    if inspect.isgeneratorfunction(function):
        raise TypeError(f"{function.__qualname__} yields: write it as `async def`")

    @functools.wraps(function)
    async def run(*arguments: Any, **named: Any) -> Any:
        return function(*arguments, **named)

    return run


def _inline_dependencies(dependant: Dependant) -> None:
    for each in dependant.dependencies:
        if each.call is not None:
            each.call = inline(each.call)
        _inline_dependencies(each)
