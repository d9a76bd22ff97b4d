"""Linear algebra in one thread, whatever the machine has.

The products of a training are short, thousands of them one after the other, and threads that share one wait for each
other by spinning: where anything else runs on the machine, each product then takes as long as the slowest thread is
kept from its core. On two cores beside other work a training took four times as long with two threads as with one.
And sums that are parted by threads come out otherwise on a machine with other cores.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

Given = ParamSpec("Given")
Result = TypeVar("Result")


def one_thread(step: Callable[Given, Result]) -> Callable[Given, Result]:
    """The same step with BLAS held to one thread while it runs; threads of LightGBM are not concerned."""

    @wraps(step)
    def alone(*given: Given.args, **named: Given.kwargs) -> Result:
        with threadpool_limits(1, user_api="blas"):
            return step(*given, **named)

    return alone
