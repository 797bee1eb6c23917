"""How much memory a process had at most."""

import resource
import sys
from pathlib import Path


def peak_bytes(process_id: int | None = None) -> int:
    """The largest resident size since a program began. process_id: on Linux also of another process than this one.

    Linux's own `getrusage` will not do: there a program begins with the figure of the one that started it.
    """
    status = Path(f"/proc/{process_id or 'self'}/status")
    if status.exists():
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024
    assert process_id is None, "only Linux tells of other processes"
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
