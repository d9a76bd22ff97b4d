"""``rescue paths map`` and ``rescue paths launch``: escalation paths designed from tickets and signals."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import UsageError
from pipelines import settings as configuration
from pipelines.cli.commands.paths import paths_app
from pipelines.cli.options import Data, Home, Json, Mapping, PolicyFile, require_one_of
from pipelines.console import Steps, err, out

if TYPE_CHECKING:
    from pipelines.path_design.issues.map_files import MapResult

Folder = Annotated[Path | None, typer.Option("--out", help="Folder for the report and the proposed policy.")]
Outcome = Annotated[
    str,
    typer.Option(
        help="What criteria should find: escalated, moved, moved_twice, moved_three_times, priority_raised, reopened, "
        "sla_missed or handed_on."
    ),
]


def register(_: typer.Typer) -> None:
    """Add the commands to `rescue paths`."""
    paths_app.command("map", short_help="Issue types that tier 1 does not resolve, and triggers for them.")(map_paths)
    paths_app.command("launch", short_help="What fails in a new feature, and triggers for it.")(map_launch_paths)


def map_paths(
    data: Data = None,
    mapping: Mapping = None,
    policy: PolicyFile = None,
    out_folder: Folder = None,
    outcome: Outcome = "escalated",
    issue_type: Annotated[
        str | None, typer.Option("--type", help="Column of the tickets that names issue types. Default: category.")
    ] = None,
    tier1: Annotated[
        str | None,
        typer.Option(
            metavar="GROUP", help="The first group, or all. Default: that with which most tickets are opened."
        ),
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=50, help="Number of issue types.")] = 5,
    within: Annotated[int, typer.Option(min=1, max=90, help="Days within which an outcome counts.")] = 7,
    recall: Annotated[
        float, typer.Option(min=0.05, max=0.95, help="Share of the outcomes that criteria should find.")
    ] = 0.3,
    as_json: Json = False,
) -> None:
    """Find from ticket history which issue types the first group does not resolve, and criteria known at the opening.

    Criteria are learned on earlier months and tested on later ones. Those that pass become an issue type, a trigger, a
    squad and a hand-off form of a proposed policy. With --out, writes map.html, map.md and proposed-policy.toml there.
    """
    from pipelines.path_design.issues.issue_criteria import MapOptions
    from pipelines.path_design.issues.map_files import map_source, write_map
    from pipelines.path_design.issues.map_report import map_json
    from pipelines.path_design.issues.ticket_outcomes import DEFINITIONS

    require_one_of(outcome, DEFINITIONS, "--outcome")
    settings = configuration.load(data=data, mapping=mapping, policy=policy)
    result = map_source(settings, MapOptions(outcome, issue_type, within, top, recall, tier1), Steps(quiet=as_json))
    files = write_map(result, _checked(out_folder)) if out_folder else []
    if as_json:
        typer.echo(json.dumps(map_json(result.found)))
        return
    _show(result)
    _show_files(files, bool(result.proposal.sections))


def map_launch_paths(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The launch, a table `[launches.NAME]` of the policy.")],
    data: Data = None,
    mapping: Mapping = None,
    policy: PolicyFile = None,
    signals: Annotated[
        Path | None,
        typer.Option(
            help="File of signals (.parquet, .csv, .jsonl). Default: the signals of the queue, if it has any."
        ),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Use what was reported before it, UTC. Default: the end of the launch's hours."
        ),
    ] = None,
    home: Home = None,
    out_folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Cluster the tickets and signals about a new feature, and propose triggers that end its broad path.

    Failures go to tier 2 and questions of use to a specialist, as the launch names them. With --out, writes
    launch.html, launch.md and proposed-policy.toml there.
    """
    from pipelines.path_design.launches.launch_files import map_launch_source, write_launch_report
    from pipelines.path_design.launches.launch_report import launch_blocks, launch_json
    from pipelines.path_design.report_blocks import write_markdown

    settings = configuration.load(data=data, mapping=mapping, policy=policy, home=home)
    result = map_launch_source(settings, name, Steps(quiet=as_json), signals, _parse_instant(as_of))
    files = write_launch_report(result, _checked(out_folder)) if out_folder else []
    if as_json:
        typer.echo(json.dumps(launch_json(result.found)))
        return
    typer.echo(write_markdown(launch_blocks(result.found, result.proposal)), nl=False)
    _show_files(files, bool(result.proposal.sections))


def _parse_instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--as-of takes a time such as 2026-03-04T08:00, not {text!r}.") from None
    return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at


def _checked(folder: Path) -> Path:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out takes a folder, and {folder} is a file.")
    return folder


def _show(result: "MapResult") -> None:
    from pipelines.path_design.issues.map_report import map_blocks
    from pipelines.path_design.report_blocks import write_markdown

    for warning in result.found.warnings:
        err.print(f"Warning: {warning}", markup=False)
    typer.echo(write_markdown(map_blocks(result.found, result.proposal)), nl=False)


def _show_files(files: list[Path], proposed: bool) -> None:
    for file in files:
        out.print(f"Written: {file}", markup=False)
    if not files and proposed:
        out.print("\n--out FOLDER writes the report and the whole policy file.", markup=False)
