"""The same trees as machine code, for very many rows (extra ``compiled``).

LightGBM looks every node of a tree up as it walks; lleaves makes them the branches of a program, which runs several
times as fast and gives the same sums to 1e-12. To compile takes about a second, so it pays from some hundred thousand
rows on: a replay, a large night. The program stays in memory and ends with the process. Kept in a file it would be code
that is run because it lies in a folder, which no file of a model may be (`models.learners.model_files`).
"""

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from os import cpu_count
from pathlib import Path

import numpy as np

from models.data.arrays import Floats, Matrix

PAYS_FROM = 250_000  # rows; a second of compiling against six of LightGBM a million rows
COMPILED_BLOCK = 1024  # scored together: as doubles they stay in the processor's cache


def pays(rows: int) -> bool:
    """Whether so many rows are worth compiling for, and the extra is installed."""
    return rows >= PAYS_FROM and find_spec("lleaves") is not None


def compiled(text: str, threads: int = 0) -> Callable[[Matrix], Floats]:
    """A function from rows to log-odds, from trees in LightGBM's text format; ``threads`` 0 takes every core."""
    import lleaves

    with tempfile.TemporaryDirectory(prefix="rescue-trees-") as scratch:
        path = Path(scratch) / "trees.txt"
        path.write_text(text, encoding="utf-8")
        program = lleaves.Model(model_file=str(path))
        program.compile(raw_score=True)

    def margin(matrix: Matrix) -> Floats:
        parts = (matrix[start : start + COMPILED_BLOCK] for start in range(0, len(matrix), COMPILED_BLOCK))
        with ThreadPoolExecutor(threads or cpu_count()) as workers:  # the program runs without Python's lock
            return np.concatenate(list(workers.map(lambda part: program.predict(part, n_jobs=1), parts)))

    return margin
