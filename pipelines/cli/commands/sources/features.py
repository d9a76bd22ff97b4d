"""``rescue features``: the features of all accounts as a file, with labels where they have matured."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from features.catalogue import GROUPS
from features.errors import UsageError
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.options import Data, Mapping, parse_required_day
from pipelines.console import Steps, out
from pipelines.scratch import scratch_folder
from pipelines.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Write the features and labels of all accounts to a file.")(features)


def features(
    to_file: Annotated[Path | None, typer.Option("--out", help="The file to write, .parquet or .csv.")] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="Print what each feature means and where it is defined; write nothing.")
    ] = False,
    data: Data = None,
    mapping: Mapping = None,
    as_of: Annotated[list[str] | None, typer.Option(metavar="DATE", help="A cutoff; can be repeated.")] = None,
    first: Annotated[str | None, typer.Option("--from", metavar="DATE", help="The first of several cutoffs.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DATE", help="The last of several cutoffs.")] = None,
    every: Annotated[str, typer.Option(metavar="DAYS", help="Days between two cutoffs, such as 7d.")] = "7d",
    engine: Annotated[str | None, typer.Option(help="The engine that computes the features: duckdb or spark.")] = None,
    memory: Annotated[str | None, typer.Option(help="Memory for the engine, such as 4GiB.")] = None,
) -> None:
    """Write the features of every account at each cutoff, and the label of each risk where it has matured.

    With --list it prints what the features mean instead, your own included.
    """
    from pipelines.training.feature_export import write_frame

    if listed:
        _print_features(configuration.load(data=data, mapping=mapping))
        return
    if to_file is None:
        raise UsageError("Name the file to write with --out, or print what the features mean with --list.")
    cutoffs = cutoffs_of(as_of or [], first, last, every)
    settings = configuration.load(data=data, mapping=mapping, engine=engine, memory=memory)
    steps = Steps()
    with scratch_folder() as scratch:
        rows, columns = write_frame(settings, cutoffs, to_file, scratch, steps)
    out.print(f"{to_file}: {rows:,} rows × {columns} columns")


def _print_features(settings: Settings) -> None:
    """One line a feature: its name, meaning, unit, and where it is defined."""
    for feature in assembly.all_features(settings):
        place = feature.extension.name if feature.extension else GROUPS[feature.group]
        declared = "attributes" if feature.attribute else "metrics" if feature.metric else ""
        place = f"rescue.toml [{declared}]" if declared else place
        out.print(f"{feature.name}: {feature.meaning} ({feature.unit}; {place})", markup=False, soft_wrap=True)


def cutoffs_of(as_of: list[str], first: str | None, last: str | None, every: str) -> list[date]:
    """The requested cutoffs, ascending and without duplicates; an empty list means the newest cutoff of the source.

    Raises:
        UsageError: a date or step does not parse, or a range has no end.
    """
    cutoffs, step = {parse_required_day(text, "--as-of") for text in as_of}, _days(every)
    if (first is None) != (last is None):
        raise UsageError("Give --from and --to together.")
    if first is not None and last is not None:
        begin, end = parse_required_day(first, "--from"), parse_required_day(last, "--to")
        if end < begin:
            raise UsageError(f"--to {end} is before --from {begin}.")
        cutoffs |= {begin + timedelta(days=day) for day in range(0, (end - begin).days + 1, step)}
    return sorted(cutoffs)


def _days(every: str) -> int:
    match = re.fullmatch(r"([1-9]\d*)d?", every)
    if match is None:
        raise UsageError(f"--every takes a number of days such as 7d, not {every!r}.")
    return int(match[1])
