"""Folders of database servers for tests: short paths under /tmp, and nothing stays of a run that was killed."""

import os
import shutil
import signal
import tempfile
from contextlib import suppress
from pathlib import Path

PID_FILES = ("data/postmaster.pid", "pid")
OWNER = "owner"


def make_server_folder(prefix: str) -> Path:
    """A fresh folder of this process; folders whose process is gone are removed, and their servers are ended."""
    for folder in Path("/tmp").glob(f"{prefix}*"):
        with suppress(OSError, ValueError):
            if not _is_running(int((folder / OWNER).read_text())):
                _end_server(folder)
                shutil.rmtree(folder, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    (folder / OWNER).write_text(str(os.getpid()))
    return folder


def _is_running(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


def _end_server(folder: Path) -> None:
    """End the server of a folder; a process that got its number later does not name the folder."""
    for file in (folder / name for name in PID_FILES):
        with suppress(OSError, ValueError, IndexError):
            process = int(file.read_text().split()[0])
            if str(folder) in Path(f"/proc/{process}/cmdline").read_text():
                os.kill(process, signal.SIGKILL)
