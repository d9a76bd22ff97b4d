"""The commands, one a file; each registers itself with the application."""

from collections.abc import Callable

import typer

from pipelines.cli.commands import (
    backtest,
    deliver,
    design_paths,
    feedback,
    monitor,
    nightly,
    paths,
    policy,
    queue,
    replay,
    review,
    timers,
    train,
)
from pipelines.cli.commands.incident import incidents, signals, watch
from pipelines.cli.commands.operations import config, retention, status, sync_sources
from pipelines.cli.commands.policies.weekly import register_weekly
from pipelines.cli.commands.sources import check, demo, features, init, simulate
from pipelines.cli.commands.team import hand_overs, people, tasks, users

COMMANDS: tuple[Callable[[typer.Typer], None], ...] = (
    nightly.register,
    init.register,
    sync_sources.register,
    check.register,
    status.register,
    config.register,
    retention.register,
    train.register,
    backtest.register,
    features.register,
    policy.register,
    paths.register,
    design_paths.register,
    replay.register,
    queue.register,
    timers.register,
    watch.register,
    incidents.register,
    signals.register,
    deliver.register,
    feedback.register,
    monitor.register,
    register_weekly,
    review.register,
    users.register,
    people.register,
    hand_overs.register_hand_overs,
    tasks.register_tasks,
    simulate.register,
    demo.register,
)
"""In the order in which ``rescue --help`` shows them."""
