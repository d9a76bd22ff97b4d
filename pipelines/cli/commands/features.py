"""``rescue features``: the frame, with labels where they have matured."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from features.errors import UsageError
from pipelines import settings as configuration
from pipelines.cli.options import Data, Mapping, given_day
from pipelines.console import Steps, out
from pipelines.scratch import scratch_folder


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Write the features and the labels of every account.")(features)


def features(
    to_file: Annotated[Path, typer.Option("--out", help="The Parquet file to write.")],
    data: Data = None,
    mapping: Mapping = None,
    as_of: Annotated[list[str] | None, typer.Option(metavar="DATE", help="A cutoff; may be given often.")] = None,
    first: Annotated[str | None, typer.Option("--from", metavar="DATE", help="First of many cutoffs.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last of many cutoffs.")] = None,
    every: Annotated[str, typer.Option(metavar="DAYS", help="Step between --from and --to.")] = "7d",
    engine: Annotated[str | None, typer.Option(help="What computes them: duckdb or spark.")] = None,
    memory: Annotated[str | None, typer.Option(help="What the engine may use, e.g. 4GiB.")] = None,
) -> None:
    """Write the features of every account at each cutoff, with the labels that have matured by now."""
    from pipelines.training.feature_export import write_frame

    cutoffs = cutoffs_of(as_of or [], first, last, every)
    settings = configuration.load(data=data, mapping=mapping, engine=engine, memory=memory)
    steps = Steps()
    with scratch_folder() as scratch:
        rows, columns = write_frame(settings, cutoffs, to_file, scratch, steps)
    out.print(f"{to_file}: {rows:,} rows × {columns} columns")


def cutoffs_of(as_of: list[str], first: str | None, last: str | None, every: str) -> list[date]:
    """The cutoffs that were asked for, ascending and each once; none means the source's newest.

    Raises:
        UsageError: a date or step does not parse, or a range has no end.
    """
    found, step = {given_day(text, "--as-of") for text in as_of}, _days(every)
    if (first is None) != (last is None):
        raise UsageError("--from and --to go together.")
    if first is not None and last is not None:
        begin, end = given_day(first, "--from"), given_day(last, "--to")
        if end < begin:
            raise UsageError(f"--to {end} lies before --from {begin}.")
        found |= {begin + timedelta(days=day) for day in range(0, (end - begin).days + 1, step)}
    return sorted(found)


def _days(every: str) -> int:
    match = re.fullmatch(r"([1-9]\d*)d?", every)
    if match is None:
        raise UsageError(f"--every takes a number of days such as 7d, not {every!r}.")
    return int(match[1])
