"""A temporary folder for the working copies of one command, deleted when the command ends: it holds customers' data.

A command that is killed cannot clean up; the next one does. A running command holds a lock on a file in its folder. The
operating system releases the lock with the process, so a folder whose lock is free is not in use.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

PREFIX = "rescue-scratch-"
HELD = "held"
"""The file that is locked. It comes under this name when it is, so that nobody finds it free before."""


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """An empty folder of this command's own; those that killed commands left are removed first."""
    _sweep(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name, (Path(name) / "new").open("w") as lock:
        flock(lock, LOCK_EX)
        Path(lock.name).rename(Path(name) / HELD)
        work = Path(name) / "work"
        work.mkdir()
        yield work


def _sweep(among: Path) -> None:
    for held in among.glob(f"{PREFIX}*/{HELD}"):
        with suppress(OSError), held.open() as lock:  # another user's, still held, or just gone
            flock(lock, LOCK_EX | LOCK_NB)
            shutil.rmtree(held.parent, ignore_errors=True)
