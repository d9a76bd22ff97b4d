"""``rescue people``: who is on duty and who is away, absences, and calendars of absences."""

import json
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.options import Home, Json, parse_day
from pipelines.console import err, out

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from serving.cases.absence.people_overview import PersonStatus
    from serving.cases.absence.reassignment import Reassigned
    from serving.cases.permissions import Actor

people = typer.Typer(help="List the people of the policy; enter, remove or read absences.", no_args_is_help=True)

PersonName = Annotated[str, typer.Argument(help="The name of the person, as the policy writes it.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(people, name="people")


@people.command("list", short_help="List people: duty, open cases, absences, what is missing.")
def list_everybody(home: Home = None, as_json: Json = False) -> None:
    """List the people of the policy and the users: duty, open cases, absences, and what is missing."""
    from serving.cases.absence.away_people import cases_of_unlisted_people
    from serving.cases.absence.people_overview import list_people
    from serving.store.database import utcnow

    with assembly.open_queue(configuration.load(home=home)) as store, store.reading() as session:
        found, unlisted = list_people(session, utcnow()), cases_of_unlisted_people(session)
        if as_json:
            typer.echo(json.dumps([_as_json(person) for person in found]))
        else:
            out.print(_table(found) if found else "There are no people before the first night.")
            if unlisted:
                names = ", ".join(f"{name} {count}" for name, count in unlisted.items())
                total = sum(unlisted.values())
                text = f"Warning: open cases of people who are not in the policy: {total} ({names})."
                advice = "`rescue people reassign` gives them to the people on duty."
                out.print(f"{text} {advice}", markup=False, soft_wrap=True)


@people.command(short_help="Enter an absence.")
def absent(
    name: PersonName,
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="The first day, such as 2026-07-01.")],
    last: Annotated[str | None, typer.Option("--to", metavar="DATE", help="The last day. Default: the first.")] = None,
    reason: Annotated[str, typer.Option(help="Colleagues read it.")] = "",
    home: Home = None,
) -> None:
    """Enter that a person is away, both days included, in their time zone."""
    from serving.cases.absence.absence_entries import enter_absence
    from serving.cases.absence.away_people import kept_cases_text
    from serving.store.database import utcnow

    begin = parse_day(first, "--from")
    end = parse_day(last, "--to") or begin
    assert begin is not None and end is not None  # noqa: S101 - an empty text is no day
    with assembly.open_queue(configuration.load(home=home)) as store:
        row = enter_absence(store, _actor(), name, begin, end, reason=reason, now=utcnow(), source="command")
        with store.reading() as session:
            kept = kept_cases_text(session, name)
    out.print(f"Absence {row.id} of {name} is entered.{f' {kept}' if kept else ''}", markup=False, soft_wrap=True)


@people.command(short_help="Remove an absence.")
def present(
    absence: Annotated[int, typer.Argument(help="The number of the absence, from `rescue people list`.")],
    home: Home = None,
) -> None:
    """Remove an absence: the person can act again. The record of it stays."""
    from serving.cases.absence.absence_entries import withdraw_absence
    from serving.store.database import utcnow

    with assembly.open_queue(configuration.load(home=home)) as store:
        row = withdraw_absence(store, _actor(), absence, now=utcnow())
    out.print(f"Absence {row.id} of {row.person} is removed.", markup=False)


@people.command("import", short_help="Read a calendar of absences once.")
def import_calendar(
    name: PersonName,
    place: Annotated[str, typer.Argument(metavar="FILE|URL", help="An .ics file, or its https address.")],
    home: Home = None,
) -> None:
    """Read the absences of a person from a calendar. What an earlier calendar said is replaced."""
    from serving.cases.absence.absence_entries import require_person
    from serving.cases.absence.calendar_reading import read_person_calendar
    from serving.cases.people import load_roster
    from serving.night_report.report_text import plural
    from serving.store.database import utcnow

    settings = configuration.load(home=home)
    with assembly.open_queue(settings) as store:
        with store.reading() as session:
            roster = load_roster(session)
        require_person(roster, name)
        reading = read_person_calendar(store, roster, name, place, now=utcnow(), hosts=settings.calendar_hosts)
    if reading.failure:
        err.print(f"rescue: {reading.failure}", markup=False)
        raise typer.Exit(1)
    out.print(f"{name}: {plural(reading.absences, 'absence')}.", markup=False)


@people.command(short_help="Give cases of people who have left to who is on duty.")
def reassign(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Give the open cases of people who are not in the policy to the people on duty of their squads.

    A case with an owner gets another one. A case that nobody has claimed stays unclaimed, and another person is asked.
    """
    from dataclasses import asdict

    from serving.cases.absence.reassignment import reassign_unknown
    from serving.store.database import utcnow

    with assembly.open_queue(configuration.load(home=home)) as store:
        moved = reassign_unknown(store, _actor(), now=utcnow(), dry_run=dry_run)
    if as_json:
        typer.echo(json.dumps([asdict(case) for case in moved]))
        return
    for line in _reassigned_lines(moved, dry_run=dry_run):
        out.print(line, markup=False, soft_wrap=True)


@people.command(short_help="Show the morning digest of a person.")
def digest(name: PersonName, home: Home = None, as_json: Json = False) -> None:
    """Show the morning digest that a person would get now. Nothing is sent or stored."""
    from serving.cases.absence.absence_entries import require_person
    from serving.cases.digests.digest_text import compose_digest
    from serving.cases.digests.run_digests import preview_digest
    from serving.cases.escalation.message_choices import choices_of
    from serving.cases.people import load_roster, newest_rules
    from serving.store.database import utcnow

    with assembly.open_queue(configuration.load(home=home)) as store, store.reading() as session:
        require_person(load_roster(session), name)
        found = preview_digest(session, name, utcnow())
        choices = choices_of(session, name, newest_rules(session))
    text = compose_digest(found)
    if as_json:
        sections = {section: [item._asdict() for item in items] for section, items in found.sections.items()}
        content = {"person": name, "items": found.items, "digest": choices.digest, "at": f"{choices.at:%H:%M}"}
        typer.echo(json.dumps({**content, "subject": text.subject, "text": text.text, "sections": sections}))
        return
    if not found.items:
        out.print(f"Nothing is due, new or changed for {name}: no digest would be sent.", markup=False)
        return
    out.print(f"Subject: {text.subject}\n\n{text.text}", markup=False, soft_wrap=True, end="")
    if not choices.digest:
        err.print(f"Warning: {name} has switched the digest off.", markup=False)


@people.command(short_help="Read the calendars that the policy names.")
def refresh(home: Home = None) -> None:
    """Read the calendars of absences that the policy names, as every night does. Ends with 1 if one cannot be read."""
    from serving.cases.absence.calendar_reading import read_all_calendars
    from serving.night_report.report_text import plural
    from serving.store.database import utcnow

    settings = configuration.load(home=home)
    folder: Path | None = settings.policy.parent if settings.policy else None
    with assembly.open_queue(settings) as store:
        readings = read_all_calendars(store, now=utcnow(), folder=folder, hosts=settings.calendar_hosts)
    for reading in readings:
        if reading.failure:
            err.print(f"Warning: the calendar of {reading.person} was not read: {reading.failure}", markup=False)
        else:
            out.print(f"{reading.person}: {plural(reading.absences, 'absence')}.", markup=False)
    if not readings:
        out.print("The policy names no calendars of absences.")
    if any(reading.failure for reading in readings):
        raise typer.Exit(1)


def _actor() -> "Actor":
    from serving.cases.permissions import Actor, Role

    return Actor("command", Role.ADMIN)


def _table(found: "list[PersonStatus]") -> object:
    from rich.table import Table

    table = Table("person", "squads", "duty", "time", "open", "absences", "missing", box=None)
    for person in found:
        count = f"{person.open_cases} of {person.max_open}" if person.max_open else str(person.open_cases)
        absences = "\n".join(f"{row.id}: until {row.ends_at.day} {row.ends_at:%b %Y}" for row in person.absences)
        missing = [*person.missing, *([person.obstacle] if person.obstacle and not person.absences else [])]
        if person.calendar is not None and person.calendar.failure:
            missing.append(f"calendar: {person.calendar.failure}")
        name = person.title if person.title == person.name else f"{person.title} ({person.name})"
        duty = "\n".join(person.duties)
        time = f"{person.local_time} {person.timezone}" if person.listed else ""
        table.add_row(name, ", ".join(person.squads), duty, time, count, absences, "; ".join(missing))
    return table


def _as_json(person: "PersonStatus") -> dict[str, object]:
    return {
        "name": person.name,
        "title": person.title,
        "listed": person.listed,
        "squads": list(person.squads),
        "duties": list(person.duties),
        "timezone": person.timezone,
        "open_cases": person.open_cases,
        "max_open": person.max_open,
        "obstacle": person.obstacle,
        "absences": [
            {
                "id": row.id,
                "starts_at": f"{row.starts_at.isoformat()}Z",
                "ends_at": f"{row.ends_at.isoformat()}Z",
                "reason": row.reason,
            }
            for row in person.absences
        ],
        "missing": list(person.missing),
    }


def _reassigned_lines(moved: "list[Reassigned]", *, dry_run: bool) -> "Iterator[str]":
    given = Counter((case.before, case.person) for case in moved if case.person is not None)
    for (before, person), count in sorted(given.items()):
        yield f"{count:,} from {before} to {person}"
    for case in moved:
        if case.person is None:
            yield f"Warning: the case {case.case_id} of {case.before} stays where it is: {case.reason}."
    total = sum(given.values())
    cases = "1 case" if total == 1 else f"{total:,} cases"
    if not moved:
        yield "No open case belongs to somebody who is not in the policy."
    else:
        yield f"{cases} would be reassigned." if dry_run else f"{cases} reassigned."
