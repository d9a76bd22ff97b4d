"""Threads of a process share one heap, unless the operator says otherwise."""

import os
import subprocess
import sys
from pathlib import Path

HEAPS = """
import ctypes, sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from features.engine.allocator import share_freed_memory

share_freed_memory()
library, barrier = ctypes.CDLL(None), Barrier(3)
library.malloc.restype, library.fopen.restype = ctypes.c_void_p, ctypes.c_void_p

def allocate(_):
    barrier.wait()  # three threads at once: each has a heap of its own, where they do not share one
    return library.malloc(100_000)

with ThreadPoolExecutor(3) as pool:
    list(pool.map(allocate, range(3)))
file = ctypes.c_void_p(library.fopen(sys.argv[1].encode(), b"w"))
library.malloc_info(0, file)
library.fclose(file)
"""


def count_heaps(folder: Path, **environment: str) -> int:
    """The heaps of a process whose three threads allocate memory."""
    found = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    file = folder / "heaps.xml"
    subprocess.run([sys.executable, "-c", HEAPS, str(file)], check=True, env=found | environment)
    return file.read_text().count("<heap nr=")


def test_threads_share_one_heap(tmp_path: Path) -> None:
    assert count_heaps(tmp_path) == 1


def test_the_operators_word_wins(tmp_path: Path) -> None:
    assert count_heaps(tmp_path, MALLOC_ARENA_MAX="4") > 1
