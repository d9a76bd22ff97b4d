"""``rescue policy draw``: a policy as RACI table, swimlanes, service blueprint, or the cycle of its versions."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import UsageError, suggest_name
from pipelines import settings as configuration
from pipelines.cli.commands.policies.policy_in_use import policy_of_command
from pipelines.cli.options import Home, PolicyFile, require_one_of
from pipelines.console import out
from serving.night_report.report_text import plural

if TYPE_CHECKING:
    from pipelines.settings import Settings
    from serving.policy.definition.policy_file import Policy

KINDS = ("raci", "swimlane", "blueprint", "pdsa")
FOLDER = Path("drawings")

Kind = Annotated[
    str,
    typer.Option(
        "--as",
        help="raci (who is responsible for what), swimlane (BPMN 2.0 and SVG), blueprint (customer to systems), or "
        "pdsa (each version: hypothesis, replay, outcomes).",
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="DIR", help="Folder for the files. Default: print raci and pdsa, others to ./drawings."
    ),
]
OneSquad = Annotated[str | None, typer.Option("--squad", help="Only the swimlanes of this squad.")]
OneSeverity = Annotated[str | None, typer.Option("--severity", help="Only the swimlanes of this severity.")]


def register(policy: typer.Typer) -> None:
    """Add the command to ``rescue policy``."""
    policy.command(short_help="Draw a policy: RACI, swimlanes, service blueprint, versions.")(draw)


def draw(
    kind: Kind,
    policy: PolicyFile = None,
    to_folder: Folder = None,
    home: Home = None,
    squad: OneSquad = None,
    severity: OneSeverity = None,
) -> None:
    """Draw a policy from the same functions that execute it.

    raci: Markdown and HTML. swimlane: one BPMN 2.0 file and one SVG for each squad and severity and for each incident,
    and a page of all. blueprint: SVG and HTML. pdsa: Markdown and HTML of the versions that nights have used, and of
    the policy itself where none has.
    """
    require_one_of(kind, KINDS, "--as")
    if (squad or severity) and kind != "swimlane":
        raise UsageError("--squad and --severity choose swimlanes: use them with --as swimlane.")
    settings = configuration.load(policy=policy, home=home)
    loaded = policy_of_command(settings, policy)
    for name, value, known in (
        ("squad", squad, list(loaded.rules.squads)),
        ("severity", severity, [row.name for row in loaded.rules.severities]),
    ):
        if value is not None and value not in known:
            raise UsageError(f"There is no {name} {value!r}; {suggest_name(value, known)}")
    files = dict(_files(kind, loaded, settings, squad, severity))
    if to_folder is None and kind in {"raci", "pdsa"}:
        typer.echo(files[f"{kind}.md"], nl=False)
        return
    folder = to_folder or FOLDER
    _write(folder, files)
    names = ", ".join(sorted(files)[:4])
    more = f", and {len(files) - 4} more" if len(files) > 4 else ""
    out.print(f"{folder}: {plural(len(files), 'file')} ({names}{more})", markup=False, soft_wrap=True)


def _files(
    kind: str, policy: "Policy", settings: "Settings", squad: str | None, severity: str | None
) -> Iterator[tuple[str, str]]:
    """The files of a drawing, by name."""
    if kind == "raci":
        from serving.drawings import raci_table

        yield "raci.md", raci_table.raci_markdown(policy)
        yield "raci.html", raci_table.raci_html(policy)
    elif kind == "swimlane":
        from serving.drawings.swimlane_files import swimlane_files

        yield from swimlane_files(policy.rules, squad, severity)
    elif kind == "blueprint":
        from pipelines.policy_facts import blueprint_facts
        from serving.drawings import service_blueprint

        facts = blueprint_facts(settings)
        yield "blueprint.svg", service_blueprint.write_blueprint_svg(policy, facts)
        yield "blueprint.html", service_blueprint.blueprint_html(policy, facts)
    else:
        from pipelines.policy_facts import read_versions
        from serving.drawings import policy_cycle

        versions = read_versions(settings, policy)
        yield "pdsa.md", policy_cycle.cycle_markdown(versions)
        yield "pdsa.html", policy_cycle.cycle_html(versions)


def _write(folder: Path, files: dict[str, str]) -> None:
    """Write the files.

    Raises:
        UsageError: the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_text(content, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The folder {folder} cannot be written to: {error.strerror}.") from None
