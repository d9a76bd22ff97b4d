"""The commands, one a file; each registers itself with the application."""

from collections.abc import Callable

import typer

from pipelines.cli.commands import (
    backtest,
    check,
    deliver,
    design_paths,
    features,
    feedback,
    monitor,
    nightly,
    paths,
    people,
    policy,
    queue,
    replay,
    review,
    simulate,
    timers,
    train,
    users,
)

COMMANDS: tuple[Callable[[typer.Typer], None], ...] = (
    nightly.register,
    check.register,
    train.register,
    backtest.register,
    features.register,
    policy.register,
    paths.register,
    design_paths.register,
    replay.register,
    queue.register,
    timers.register,
    deliver.register,
    feedback.register,
    monitor.register,
    review.register,
    users.register,
    people.register,
    simulate.register,
)
"""In the order in which ``rescue --help`` shows them."""
