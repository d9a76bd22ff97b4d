"""``rescue queue hand-over``, ``accept``, ``return`` and ``hand-overs``: cases that change hands."""

import json
from typing import Annotated

import typer

from features.errors import UsageError
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.acting_person import acting_person
from pipelines.cli.commands.queue import queue
from pipelines.cli.options import ActingName, CaseId, Home, Json, parse_day
from pipelines.console import out

Reason = Annotated[str, typer.Option(help="Why, for the receiver.")]


@queue.command("hand-over", short_help="Hand a case over to another squad.")
def hand_over_case(
    case: CaseId,
    squad: Annotated[str, typer.Argument(help="The squad that gets it.")],
    reason: Reason,
    answer: Annotated[
        list[str] | None, typer.Option(metavar="FIELD=TEXT", help="A field of the hand-off form; can be repeated.")
    ] = None,
    form: Annotated[str | None, typer.Option(help="Which form, where several fit.")] = None,
    tier: Annotated[int, typer.Option(min=1, max=3, help="2 or 3: secondary or tertiary of the same squad.")] = 1,
    by: ActingName = None,
    home: Home = None,
) -> None:
    """Hand a case over. Where the policy has a form for it, its required fields have to be given with --answer."""
    from serving.cases.cases import Cases

    answers = dict(_pair(text) for text in answer or ())
    with assembly.open_queue(configuration.load(home=home)) as store:
        moved = Cases(store).hand_over(
            case, acting_person(store, by), squad=squad, reason=reason, tier=tier, form=form, answers=answers
        )
    waits = "; it waits to be accepted or returned" if moved.state == "handed_over" else ""
    out.print(f"Case {case} is with {moved.squad}{waits}. Responsible: {moved.responsible or 'nobody'}.", markup=False)


@queue.command("accept", short_help="Accept a case that was handed over.")
def accept_case(case: CaseId, by: ActingName = None, home: Home = None) -> None:
    """Accept a case that was handed over with a form; it belongs to that person."""
    from serving.cases.cases import Cases

    with assembly.open_queue(configuration.load(home=home)) as store:
        done = Cases(store).accept(case, acting_person(store, by))
    out.print(f"Case {case} belongs to {done.owner}.", markup=False)


@queue.command("return", short_help="Return a case that was handed over to its sender.")
def return_case(case: CaseId, reason: Reason, by: ActingName = None, home: Home = None) -> None:
    """Return a case that was handed over with a form to its sender, with the reason."""
    from serving.cases.cases import Cases

    with assembly.open_queue(configuration.load(home=home)) as store:
        back = Cases(store).return_to_sender(case, acting_person(store, by), reason=reason)
    out.print(f"Case {case} is with {back.owner or back.squad}.", markup=False)


@queue.command("hand-overs", short_help="Hand-overs with forms, by pair of squads.")
def count_hand_overs(
    since: Annotated[str | None, typer.Option(metavar="DATE", help="Only those from this day on.")] = None,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Count the hand-overs with forms: completeness, returns, and the time that is lost, by pair of squads."""
    from datetime import datetime, time

    from rich.table import Table

    from serving.store.queries.handover_queries import handover_figures

    first = parse_day(since, "--since")
    begin = datetime.combine(first, time()) if first else None
    with assembly.open_queue(configuration.load(home=home)) as store, store.reading() as session:
        figures = handover_figures(session, since=begin)
    if as_json:
        typer.echo(json.dumps([row.to_json() for row in figures]))
        return
    if not figures:
        out.print("No case was handed over with a form.")
        return
    table = Table("from", "to", "sent", "accepted", "returned", "waiting", "complete", "to answer", "lost", box=None)
    for row in figures:
        answered = f"{row.hours_to_answer:.1f} h" if row.hours_to_answer is not None else "–"
        counts = (row.sent, row.accepted, row.returned, row.pending)
        table.add_row(
            row.from_squad,
            row.to_squad,
            *map(str, counts),
            f"{row.completeness:.0%}",
            answered,
            f"{row.hours_lost:.1f} h",
        )
    out.print(table)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--answer takes FIELD=TEXT, and not {text!r}.")
    return name.strip(), value
