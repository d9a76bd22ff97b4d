"""Errors for the user: the message is one sentence that says what is wrong and what to do; each has an exit code."""

import errno
import os
from collections.abc import Iterable
from difflib import get_close_matches

MOST_LISTED = 20
"""Allowed names that a message lists; where there are more, it names the nearest only."""


class RescueError(Exception):
    """Something failed; the message says what, and the command ends with 1."""

    exit_code = 1

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows in place of a traceback: the sentence."""
        return [f"{type(self).__name__}: {self}"]


class UsageError(RescueError):
    """The command, a setting or a name was wrong; nothing was read or written. The command ends with 2."""

    exit_code = 2


class DataGateError(RescueError):
    """The data is not fit for a night; last night's queue stays as it was. The command ends with 3."""

    exit_code = 3


def extra_command(name: str) -> str:
    """The command that installs an extra of Rescue, in quotes; it is run in the checkout, and asks no package index by
    the name of this project, which is another's there.
    """
    return f"`.venv/bin/uv sync --frozen --inexact --no-dev --extra {name}`"


FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""The operating system's numbers of a write for which there is no room."""


def is_disk_full(error: BaseException) -> bool:
    """Whether the cause is that a file could not grow; DuckDB has the system's sentence in its own."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in FULL_DISK
    return type(error).__name__ == "IOException" and any(os.strerror(number) in str(error) for number in FULL_DISK)


def explain_full_disk(error: BaseException) -> RescueError | None:
    """What to do where a file could not grow; ``None`` for any other error."""
    if not is_disk_full(error):
        return None
    first = str(error).partition("\n")[0].strip().rstrip(".")
    return RescueError(
        f"The disk is full, and this step wrote nothing to the queue: {first}. Free some, or set TMPDIR to a folder on "
        "another disk, and run the command again."
    )


def was_interrupted(error: BaseException) -> bool:
    """Whether Ctrl-C or SIGTERM ended a query: DuckDB then raises an error of its own in place of the interrupt."""
    return (type(error) is RuntimeError and str(error) == "Query interrupted") or (
        type(error).__name__ == "InterruptException"
    )


def nearest_name(name: str, allowed: Iterable[str]) -> str | None:
    """The allowed name that ``name`` was probably meant to be, upper and lower case alike; None where none is near."""
    by_lower = {known.lower(): known for known in sorted(allowed)}
    near = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[near[0]] if near else None


def suggest_name(name: str, allowed: Iterable[str]) -> str:
    """The rest of a message about an unknown name: the nearest allowed name, and all of them where they are few.

    >>> suggest_name("chrun", ["churn", "escalation"])
    "did you mean 'churn'? Allowed: churn, escalation."
    """
    known = sorted(allowed)
    near = nearest_name(name, known)
    question = f"did you mean {near!r}?" if near else ""
    if not known:
        return "there are none."
    more = f" and {len(known) - MOST_LISTED:,} more" if len(known) > MOST_LISTED else ""
    listed = f"Allowed: {', '.join(known[:MOST_LISTED])}{more}." if not more or not near else ""
    text = " ".join(part for part in (question, listed) if part)
    return text if near else text[0].lower() + text[1:]
