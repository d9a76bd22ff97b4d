"""Predictions of LightGBM's library, without the Python package around it.

The package imports SciPy and Narwhals for kinds of input that Rescue does not have. That takes longer than to score a
hundred thousand accounts. The library is the package's own, so predictions are those of its `Booster`, bit for bit.
"""

import ctypes
import os
import weakref
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np

from features.errors import RescueError
from models.data.arrays import Floats, Matrix

_RAW_SCORE, _CONTRIBUTIONS = 1, 3
_FLOAT32, _FLOAT64 = 0, 1
"""What the library's `c_api.h` calls these kinds of prediction and of numbers."""


class LoadedTrees:
    """The trees of a text in LightGBM's format, as the library holds them."""

    def __init__(self, text: str) -> None:
        self._text, self._library = text, load_tree_library()
        self._handle, iterations = ctypes.c_void_p(), ctypes.c_int(0)
        read = self._library.LGBM_BoosterLoadModelFromString
        self._check(read(text.encode(), ctypes.byref(iterations), ctypes.byref(self._handle)))
        weakref.finalize(self, self._library.LGBM_BoosterFree, self._handle)

    def __reduce__(self) -> tuple[type["LoadedTrees"], tuple[str]]:
        return LoadedTrees, (self._text,)

    def margin(self, matrix: Matrix, threads: int = 0) -> Floats:
        """The log-odds of each row; ``threads`` 0 takes every core."""
        return self._predicted(matrix, _RAW_SCORE, threads)

    def contributions(self, matrix: Matrix, threads: int = 0) -> Floats:
        """Exact tree contributions (TreeSHAP), rows × (columns + 1)."""
        return self._predicted(matrix, _CONTRIBUTIONS, threads).reshape(len(matrix), -1)

    def _predicted(self, matrix: Matrix, kind: int, threads: int) -> Floats:
        by_rows = not matrix.flags.f_contiguous
        values = np.ascontiguousarray(matrix) if by_rows else matrix
        rows, columns = (ctypes.c_int32(size) for size in values.shape)
        numbers = ctypes.c_int(_FLOAT32 if values.dtype == np.float32 else _FLOAT64)
        every = (ctypes.c_int(kind), ctypes.c_int(0), ctypes.c_int(-1))
        size, written = ctypes.c_int64(0), ctypes.c_int64(0)
        self._check(self._library.LGBM_BoosterCalcNumPredict(self._handle, rows, *every, ctypes.byref(size)))
        found = np.empty(size.value, dtype=np.float64)
        self._check(
            self._library.LGBM_BoosterPredictForMat(
                self._handle,
                values.ctypes.data_as(ctypes.c_void_p),
                numbers,
                rows,
                columns,
                ctypes.c_int(by_rows),
                *every,
                f"num_threads={threads}".encode(),
                ctypes.byref(written),
                found.ctypes.data_as(ctypes.c_void_p),
            )
        )
        return found

    def _check(self, code: int) -> None:
        if code:
            raise RescueError(f"LightGBM cannot use these trees: {self._library.LGBM_GetLastError().decode()}")


@cache
def load_tree_library() -> Any:
    """The library of the package LightGBM, found by the package's own module for that.

    Its threads sleep while they wait: spinning ones stall each other where the machine is shared.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read once, when OpenMP is loaded
    package = find_spec("lightgbm")
    if package is None or package.origin is None:
        raise RescueError("LightGBM is not installed.")
    finder = spec_from_file_location("lightgbm_library", Path(package.origin).with_name("libpath.py"))
    if finder is None or finder.loader is None:
        raise RescueError("LightGBM's library is not where its package has it.")
    module = module_from_spec(finder)
    finder.loader.exec_module(module)
    library = module._LIB
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    return library
