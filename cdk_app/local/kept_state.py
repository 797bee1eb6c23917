"""Writes the emulator's state down while it runs, when it is asked to, and at its end: a generation each time.

    POST /_local/state      204; 409 while a deployment is under way; 500 with the reason when it could not be written

A state in the middle of a deployment would be of no use to the next start. Runs in the emulator, on its interpreter.
"""

# ruff: noqa: SLF001 -- MiniStack keeps what this needs to itself

import asyncio
import hashlib
import json
import re
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from cdk_app.local.generations import BLOBS, Generations
from cdk_app.services.stand_ins.hosts import Application, Receive, Scope, Send, respond

PATH: Final = "/_local/state"
NOT_SAVED: Final = "The state of the emulator could not be written"
TRIES: Final = 5  # a dictionary that changes while it is read is read again
LONGEST_COPY_SECONDS: Final = 1  # 0.3 s for the logs of 5,000 calls
# But for a change set that nobody has carried out yet, and perhaps never will.
DEPLOYING: Final = re.compile(rb'"StackStatus": "(?!REVIEW_)[A-Z_]+_IN_PROGRESS"')

type Services = Mapping[str, Callable[[], Any]]


class StateKeeper:
    """Stands in for what writes the state. emulator, functions, persistence: the modules of MiniStack."""

    def __init__(self, generations: Generations, *, emulator: Any, functions: Any, persistence: Any) -> None:
        self._generations = generations
        self._emulator = emulator
        self._functions = functions
        self._persistence = persistence
        self._lock = threading.Lock()
        self._written = ""

    def save(self, services: Services) -> bool:
        """Write a generation, unless nothing changed. False while a deployment is under way. Raises OSError."""
        with self._lock:
            beside = self._generations.begin()
            self._functions.CODE_BLOB_DIR = str(beside / BLOBS)  # the code that it names is written along the way
            try:
                texts = self._texts(services)
            finally:
                self._functions.CODE_BLOB_DIR = str(self._generations.current / BLOBS)
            digest = hashlib.sha256(b"\0".join(texts.values())).hexdigest()
            is_deploying = DEPLOYING.search(texts.get("cloudformation.json", b"")) is not None
            if is_deploying or (digest == self._written and self._generations.has_spare):
                self._generations.drop()
                return not is_deploying
            self._generations.commit(texts)
            self._written = digest
            return True

    def save_at_the_end(self, services: Services) -> None:
        """The same, for the emulator to call: what goes wrong is logged, and the runner reads that."""
        try:
            self.save(services)
        except (OSError, RuntimeError, TypeError, ValueError) as error:
            print(f"{NOT_SAVED}: {error}", flush=True)

    def answering(self, application: Application) -> Application:
        """The application, which saves when it is asked to."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
                await application(scope, receive, send)
                return
            try:
                services = self._emulator._build_persistence_save_dict()
                status, text = (204, "") if await asyncio.to_thread(self.save, services) else (409, "deploying")
            except (OSError, RuntimeError, TypeError, ValueError) as error:
                status, text = 500, str(error)
            await respond(send, status=status, text=text.encode())

        return answer

    def _texts(self, services: Services) -> dict[str, bytes]:
        texts = {}
        for name, get_state in services.items():
            payload = self._payload(get_state)
            if payload is not None:
                state = {"__ministack_format__": self._persistence._state_format_version(name), "payload": payload}
                texts[f"{name}.json"] = json.dumps(state, default=self._persistence._json_default).encode()
        return texts

    @staticmethod
    def _payload(get_state: Callable[[], Any]) -> Any:
        """A copy of the state. In a busy emulator every try may meet a change; then other threads wait for a while."""
        with suppress(RuntimeError):
            return _tried(get_state)
        before = sys.getswitchinterval()
        sys.setswitchinterval(LONGEST_COPY_SECONDS)
        try:
            return _tried(get_state)  # a thread that asked before may still come in between, once
        finally:
            sys.setswitchinterval(before)


def _tried(get_state: Callable[[], Any]) -> Any:
    for _ in range(TRIES - 1):
        with suppress(RuntimeError):
            return get_state()
    return get_state()
