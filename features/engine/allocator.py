"""How the C library of this process manages memory."""

import ctypes
import os

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""Parameters of ``mallopt`` (glibc)."""

KEPT_FREE = 128 * 2**20
"""Free bytes at the end of the heap that are not returned to the system: they will be used again at once."""

OWN_PAGES = 32 * 2**20
"""Bytes from which an array has pages of its own, which are returned as soon as it is deleted."""


def share_freed_memory() -> None:
    """Let all threads take memory that any of them has freed, instead of new pages from the system.

    glibc gives each thread a heap of its own, whose free parts no other thread uses and which is returned whenever it
    is empty. Features at many cutoffs are millions of arrays of half a megabyte, so that the system filled the same
    pages with zeros again and again. Call it before other threads have started: heaps that exist remain. The
    operator's ``MALLOC_ARENA_MAX`` wins. Other C libraries have no such function, and nothing changes.
    """
    library = ctypes.CDLL(None)
    if "MALLOC_ARENA_MAX" in os.environ or not hasattr(library, "gnu_get_libc_version"):
        return
    for parameter, value in ((_ARENA_MAX, 1), (_TRIM_THRESHOLD, KEPT_FREE), (_MMAP_THRESHOLD, OWN_PAGES)):
        library.mallopt(parameter, value)
