"""``rescue status``: is everything as it should be?"""

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from features.unit_text import size_text
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.options import Home, Json
from pipelines.console import out


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Show the last night and attempt, feeds, models, messages, disk.")(status)


def status(
    home: Home = None,
    check: Annotated[bool, typer.Option("--check", help="End with 3 where something needs attention.")] = False,
    as_json: Json = False,
) -> None:
    """Show how Rescue is: the last night, the last attempt, feeds, models, messages, free disk, the schema."""
    from pipelines.system_clock import today
    from serving.operations.operation_state import list_problems, read_state
    from serving.store.database import utcnow

    settings = configuration.load(home=home)
    with assembly.open_queue(settings) as store, store.reading() as session:
        state = read_state(session, utcnow())
        problems = list_problems(state, today(settings.timezone))
    free = _free_bytes(settings.home)
    champions = _champions(settings.home)
    if as_json:
        typer.echo(json.dumps(_json(state, problems, free, champions)))
    else:
        for line in _lines(state, problems, free, champions):
            out.print(line, markup=False, soft_wrap=True)
    if check and problems:
        raise typer.Exit(3)


def _free_bytes(home: Path) -> int | None:
    try:
        return shutil.disk_usage(home if home.exists() else Path()).free
    except OSError:
        return None


def _champions(home: Path) -> dict[str, str]:
    """The version of each champion that is cached in the home folder; the registry is not asked, it may be slow."""
    found = {}
    for note in sorted(home.glob("champions/*/champion.json")):
        try:
            found[note.parent.name] = str(json.loads(note.read_text(encoding="utf-8"))["version"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def _json(state: Any, problems: list[str], free: int | None, champions: dict[str, str]) -> dict[str, Any]:
    from serving.operations.operation_state import outcome_of

    night, attempt = state.night, state.attempt
    return {
        "ok": not problems,
        "problems": problems,
        "night": night
        and {
            "as_of": night.as_of.isoformat(),
            "recorded_at": night.recorded_at and _iso(night.recorded_at),
            "seconds": round(night.seconds, 1),
            "scored": night.scored,
            "flagged": night.flagged,
            "accepted": night.accepted_rows,
            "quarantined": night.quarantined_rows,
        },
        "attempt": attempt
        and {
            "as_of": attempt.as_of.isoformat(),
            "started_at": _iso(attempt.started_at),
            "ended_at": attempt.ended_at and _iso(attempt.ended_at),
            "outcome": outcome_of(attempt),
            "step": attempt.step,
            "reason": attempt.reason,
        },
        "newest_rows": night and {table: day.isoformat() for table, day in night.newest.items()},
        "feeds": night and {t: {"age_days": age, "late": t in night.late_feeds} for t, age in night.feeds.items()},
        "models": champions or (night.models if night else {}),
        "cases": state.cases,
        "sla_breaches": state.breaches,
        "outbox": {
            "pending": state.outbox.pending,
            "dead": state.outbox.dead,
            "sent": state.outbox.sent,
            "oldest_pending": state.outbox.oldest and _iso(state.outbox.oldest),
        },
        "disk_free_bytes": free,
        "schema": {"revision": state.schema, "current": state.schema_is_current},
    }


def _lines(state: Any, problems: list[str], free: int | None, champions: dict[str, str]) -> list[str]:
    from serving.night_report.report_text import day_text, plural
    from serving.operations.operation_state import outcome_of

    night, attempt = state.night, state.attempt
    lines = []
    if night is not None:
        scored = ", ".join(f"{risk} {count:,}" for risk, count in night.scored.items()) or "nobody"
        flagged = plural(night.flagged, "account")
        lines.append(f"Night:    {day_text(night.as_of)}, {night.seconds:.0f} s; scored: {scored}; flagged: {flagged}")
    if attempt is not None:
        step = f" in step {attempt.step}" if attempt.step and outcome_of(attempt) != "recorded" else ""
        lines.append(
            f"Attempt:  {day_text(attempt.as_of)}, started {day_text(attempt.started_at.date())}, "
            f"{attempt.started_at:%H:%M} UTC: {outcome_of(attempt)}{step}"
        )
    if night is not None:
        ages = [
            f"{t} {'none' if age is None else plural(age, 'day')}{' (late)' * (t in night.late_feeds)}"
            for t, age in night.feeds.items()
        ]
        past = state.at.date() - night.as_of > timedelta(days=1)
        when = f" in the night of {day_text(night.as_of)}" if past else ""
        lines.append(f"Feeds:    age of the newest row{when}: {', '.join(ages)}" if ages else "Feeds:    none")
        rare = ", ".join(f"{t} {day_text(day)}" for t, day in night.newest.items() if t not in night.feeds)
        if rare:
            lines.append(f"Others:   newest row of {rare}; they have no regular days, so none of them is called late")
    models = champions or (night.models if night else {})
    lines.append(f"Models:   {', '.join(f'{risk} version {version}' for risk, version in models.items()) or 'none'}")
    cases = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in sorted(state.cases.items()))
    lines.append(f"Cases:    {cases or 'none'}; overdue: {state.breaches['respond'] + state.breaches['resolve']:,}")
    outbox = state.outbox
    lines.append(f"Messages: {outbox.pending:,} waiting, {outbox.dead:,} not deliverable, {outbox.sent:,} sent")
    lines.append(f"Disk:     {'unknown' if free is None else f'{size_text(free)} free'}")
    lines.append(f"Schema:   {state.schema}{'' if state.schema_is_current else ' (not current)'}")
    return [*lines, *(f"Warning: {problem}" for problem in problems)]


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}Z"
