"""Which process holds a night, so that one that was killed on this machine can be replaced at once.

The lease of a night ends two minutes after its holder died. Whoever starts the night again on the same machine can know
sooner: the process is gone. That is certain only within one kernel since its start (the boot id) and one namespace of
process ids (containers on one machine have different ones), and if the process with this id is the one that started
then (ids are used again). Everywhere else the lease decides.
"""

import os
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
_START, _STATE = 19, 0
"""Places in ``/proc/<pid>/stat`` after the name: the state, and the start in clock ticks since the boot."""


def current_holder() -> str | None:
    """This process as ``boot/namespace/pid/start``; ``None`` where the system does not say."""
    pid, machine = os.getpid(), _machine()
    started = _started(pid)
    return f"{machine}/{pid}/{started}" if machine and started else None


def is_gone(holder: str | None) -> bool:
    """Whether the holder certainly no longer runs; False where that cannot be known from here."""
    machine = _machine()
    if holder is None or machine is None or not holder.startswith(f"{machine}/"):
        return False
    pid, _, started = holder.removeprefix(f"{machine}/").partition("/")
    return not pid.isdigit() or _started(int(pid)) != started


def _machine() -> str | None:
    with suppress(OSError):
        boot = (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{(PROC / 'self/ns/pid').readlink()}"
    return None


def _started(pid: int) -> str | None:
    """When the process started; ``None`` for one that does not exist, or has ended and waits for its parent."""
    with suppress(OSError, IndexError):
        values = (PROC / str(pid) / "stat").read_text(encoding="latin-1").rpartition(")")[2].split()
        return None if values[_STATE] in {"Z", "X"} else values[_START]
    return None
