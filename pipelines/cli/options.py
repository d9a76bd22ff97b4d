"""Options that several commands share, so that they mean and say the same everywhere."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from features.errors import UsageError

Data = Annotated[
    str | None,
    typer.Option(help="The source: a folder, a DuckDB file or a database URL. Default: that of rescue.toml."),
]
Mapping = Annotated[Path | None, typer.Option(help="Folder of <table>.sql files that map the source's own tables.")]
Home = Annotated[Path | None, typer.Option(help="Folder of the queue, the models and each night's report.")]
PolicyFile = Annotated[Path | None, typer.Option("--policy", help="The policy file; the shipped one by default.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output and nothing else there.")]
AsOf = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="The day whose beginning is 'now'. Default: the first after the newest row."),
]


def day(text: str | None, option: str) -> date | None:
    """A day given on the command line.

    Raises:
        UsageError: it is not a date.
    """
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} takes a date such as 2026-03-01, not {text!r}.") from None


def given_day(text: str, option: str) -> date:
    """Like :func:`day`, for an option that is always there."""
    found = day(text, option)
    if found is None:
        raise UsageError(f"{option} takes a date such as 2026-03-01.")
    return found
