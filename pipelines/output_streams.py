"""Standard output and standard error of a process that must not end because nobody reads them any more.

``rescue nightly 2>&1 | head -2`` closes the pipe after two lines, a terminal goes away, a log collector restarts. The
night has work to finish; what it prints is a by-product. So a write into a closed pipe is dropped, and everything after
it goes to the null device, also what libraries and child processes write.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _DroppingFile(io.FileIO):
    """A file descriptor that turns into the null device when its reader is gone."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Write, or drop the data; the number of bytes that need no further attempt."""
        try:
            return super().write(data)
        except BrokenPipeError:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())
            os.close(null)
            return memoryview(data).nbytes


def ignore_closed_pipes() -> None:
    """Let standard output and error drop what nobody reads; a stream that is closed from the start is replaced.

    The descriptors 0 to 2 are filled first: a database that was opened as descriptor 2 would get the error messages.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)  # takes the lowest free descriptor, which is this one
            os.set_inheritable(null, True)
    sys.stdout = _dropping(sys.stdout, 1)
    sys.stderr = _dropping(sys.stderr, 2)


def _dropping(stream: TextIO | None, descriptor: int) -> TextIO:
    file = _DroppingFile(descriptor, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(file),
        encoding=stream.encoding if stream else "utf-8",
        errors=stream.errors if stream else "backslashreplace",
        line_buffering=descriptor == 2 or file.isatty(),
    )
