"""``rescue incidents``: list, show, acknowledge, comment and resolve."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from features.errors import RescueError
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.acting_person import acting_person
from pipelines.cli.options import ActingName, All, Home, Json, PolicyFile, require_one_of
from pipelines.console import out

if TYPE_CHECKING:
    from serving.cases.permissions import Actor
    from serving.incidents.incident_actions import Incidents
    from serving.store import Store
    from serving.store.incident_tables import Incident

STATES = ("all", "open", "over", "resolved")

incidents = typer.Typer(help="List, show, acknowledge or resolve incidents.", no_args_is_help=True)

IncidentArgument = Annotated[str, typer.Argument(metavar="ID", help="An id from `rescue incidents list`.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(incidents, name="incidents")


@incidents.command("list", short_help="List the incidents, open ones first.")
def list_all(
    home: Home = None,
    state: Annotated[str, typer.Option(help="all, open, over or resolved.")] = "all",
    every: All = False,
    as_json: Json = False,
) -> None:
    """List the incidents, open ones first, then the newest first."""
    from pipelines.cli.output.incident_output import incident_json, incident_table
    from pipelines.cli.output.terminal_tables import PRINTED_ROWS, rest_line
    from serving.store.queries.incident_queries import list_incidents

    require_one_of(state, STATES, "--state")
    with assembly.open_queue(configuration.load(home=home)) as store, store.reading() as session:
        rows = list_incidents(session, state="" if state == "all" else state)
    if as_json:
        typer.echo(json.dumps([incident_json(row) for row in rows], indent=2))
    else:
        out.print(incident_table(rows if every else rows[:PRINTED_ROWS]) if rows else "There are no incidents.")
        if not every and (rest := rest_line(len(rows))):
            out.print(rest)


@incidents.command()
def show(incident: IncidentArgument, home: Home = None, every: All = False, as_json: Json = False) -> None:
    """Print an incident with its timeline and the affected accounts."""
    from pipelines.cli.output.incident_output import event_json, incident_json, incident_lines
    from pipelines.cli.output.terminal_tables import print_lines
    from serving.incidents.incident_errors import IncidentNotFoundError
    from serving.incidents.incident_outlook import incident_outlook
    from serving.store.database import utcnow
    from serving.store.queries.incident_queries import incident_file

    settings = configuration.load(home=home)
    with assembly.open_queue(settings) as store, store.reading() as session:
        file = incident_file(session, incident, None)
        outlook = incident_outlook(session, file.incident, utcnow(), _rules(settings)) if file else None
    if file is None or outlook is None:
        raise IncidentNotFoundError(incident)
    if as_json:
        content: dict[str, Any] = {
            "incident": incident_json(file.incident),
            "revenue": [asdict(part) for part in file.revenue],
            "accounts": [asdict(account) for account in file.accounts],
            "timeline": [event_json(event) for event in file.events],
        }
        typer.echo(json.dumps(content, indent=2, default=lambda at: f"{at.isoformat()}Z"))
        return
    print_lines([*incident_lines(file, outlook)], every=every)


@incidents.command()
def ack(incident: IncidentArgument, home: Home = None, policy: PolicyFile = None, by: ActingName = None) -> None:
    """Acknowledge an incident: its escalation path goes no further."""
    with assembly.open_queue(configuration.load(home=home, policy=policy)) as store:
        use_cases, actor = _use_cases(store, home, policy, by)
        row = use_cases.acknowledge(incident, actor)
    out.print(f"{row.acknowledged_by} has acknowledged {_named(row)}.", markup=False, soft_wrap=True)


@incidents.command()
def resolve(
    incident: IncidentArgument,
    home: Home = None,
    policy: PolicyFile = None,
    by: ActingName = None,
    comment: Annotated[str, typer.Option(help="What was done.")] = "",
) -> None:
    """Resolve an incident; a full window of later signals opens it again."""
    with assembly.open_queue(configuration.load(home=home, policy=policy)) as store:
        use_cases, actor = _use_cases(store, home, policy, by)
        row = use_cases.resolve(incident, actor, comment=comment)
    out.print(f"{_named(row)} is resolved.", markup=False, soft_wrap=True)


@incidents.command()
def comment(
    incident: IncidentArgument,
    text: Annotated[str, typer.Argument(help="The comment.")],
    home: Home = None,
    by: ActingName = None,
) -> None:
    """Add a comment to the timeline of an incident."""
    with assembly.open_queue(configuration.load(home=home)) as store:
        use_cases, actor = _use_cases(store, home, None, by)
        row = use_cases.comment(incident, actor, text=text)
    out.print(f"The comment is on the timeline of {_named(row)}.", markup=False, soft_wrap=True)


def _rules(settings: Any) -> Any:
    """The rules of the policy in use; None where it cannot be used, so that an incident is still shown."""
    try:
        return assembly.current_policy(settings).policy.rules
    except RescueError:
        return None


def _use_cases(store: Store, home: Any, policy: Any, by: str | None) -> tuple[Incidents, Actor]:
    from serving.delivery.channel_settings import broadcast_channels
    from serving.incidents.incident_actions import Incidents

    settings = configuration.load(home=home, policy=policy)
    rules = assembly.current_policy(settings).policy.rules
    use_cases = Incidents(store, rules=rules, channels=broadcast_channels(settings.channels))
    return use_cases, acting_person(store, by, rules.roster)


def _named(row: Incident) -> str:
    return f"incident {row.id} ({row.title})"
