"""A Chromium for tests, and without windows where there is such a one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.support.engines import installed

LIGHT_CHROMIUM = "chromium-headless-shell"
CHROMIUM_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@contextmanager
def started_chromium() -> Iterator[Browser]:
    """Ends with the block."""
    path = shutil.which(LIGHT_CHROMIUM) or installed("chromium", f"apt-get install -y {LIGHT_CHROMIUM}")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield chromium
        chromium.close()
