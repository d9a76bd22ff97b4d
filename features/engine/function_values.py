"""What a function of Python makes of measures: called only where everything is known, and checked when it returns.

Such a function is written by an analyst, in an extension. An array of another length would give accounts the values of
others, and an infinite value would stop the training without the name of its cause, so both are refused here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from features.engine.windows import Floats
from features.errors import UsageError


class FunctionError(UsageError):
    """A function failed or returned something else than one finite number for each element."""


def function_values(function: Callable[..., object], inputs: Sequence[Floats], shape: tuple[int, int]) -> Floats:
    """The function of these inputs where all of them are known; NaN elsewhere.

    Raises:
        FunctionError: it failed, or did not return one finite number for each element.
    """
    known = (
        np.logical_and.reduce([np.isfinite(values) for values in inputs], axis=0) if inputs else np.ones(shape, bool)
    )
    values = np.full(shape, np.nan)
    count = int(known.sum())
    if count:
        values[known] = _call(function, [values[known] for values in inputs], count)
    return values


def _call(function: Callable[..., object], inputs: Sequence[Floats], count: int) -> Floats:
    try:
        with np.errstate(all="ignore"):
            result = np.asarray(function(*inputs), dtype=np.float64)
    except Exception as error:  # it is not ours
        raise FunctionError(f"failed with {type(error).__name__}: {error}.") from error
    if result.shape != (count,):
        raise FunctionError(f"returned an array of shape {result.shape} for {count} elements: return one number each.")
    unusable = int((~np.isfinite(result)).sum())
    if unusable:
        raise FunctionError(
            f"returned NaN or infinity for {unusable} of {count} elements whose inputs are all known: return a finite "
            "number for each."
        )
    return result
