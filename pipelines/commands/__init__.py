"""The commands, one a file; each registers itself with the application."""

from collections.abc import Callable

import typer

from pipelines.commands import check, features, nightly, train

COMMANDS: tuple[Callable[[typer.Typer], None], ...] = (
    nightly.register,
    check.register,
    train.register,
    features.register,
)
"""In the order in which ``rescue --help`` shows them."""
