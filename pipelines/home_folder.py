"""The home folder: it is created, writable, and closed to others on the machine."""

import os
from contextlib import suppress
from pathlib import Path

from features.errors import UsageError
from pipelines.settings import Settings


def writable_home(settings: Settings) -> Path:
    """The home folder; it is created if it does not exist.

    Raises:
        UsageError: it cannot be written.
    """
    home = settings.home
    try:
        home.mkdir(parents=True, exist_ok=True)
        _close_to_others(home)
        probe = home / f".write-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(f"The home folder {home} cannot be written: {error.strerror}.") from None
    return home


def _close_to_others(home: Path) -> None:
    """Take a home that everybody on this machine can read away from others; a group that was let in on purpose stays.

    Homes of earlier versions were readable by everybody, with their files.
    """
    mode = home.stat().st_mode & 0o777
    if mode & 0o007:
        with suppress(PermissionError):  # of another owner, who decides
            home.chmod(mode & 0o700)
