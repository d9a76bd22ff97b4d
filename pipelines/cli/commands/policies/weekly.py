"""``rescue weekly``: the weekly report on the terminal, as a page, as JSON, or as mails."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import RescueError, UsageError
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.options import Home, Json, PolicyFile
from pipelines.console import out
from pipelines.system_clock import today

if TYPE_CHECKING:
    from serving.policy.definition.policy_schema import PolicyFile as Rules
    from serving.store import Store

Week = Annotated[
    str | None,
    typer.Option(metavar="WEEK", help="The week, as 2026-W27, or any day in it. Default: the week that ended last."),
]
Page = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the report as a page (HTML).")]
Send = Annotated[
    bool, typer.Option("--send", help="Write the mails to whoever the policy names in [weekly] and has none yet.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Report on a week: money, work, model, effect.")(weekly)


def weekly(
    week: Week = None,
    to_file: Page = None,
    send: Send = False,
    home: Home = None,
    policy: PolicyFile = None,
    as_json: Json = False,
) -> None:
    """Report on a week: revenue at risk, saved and lost, the team's work, whether the model is right and rescues help.

    The policy's section [weekly] names who gets it by mail on Monday morning; nobody does by default.
    """
    from serving.policy_versions.saved_policies import read_policy_in_force
    from serving.store.database import utcnow
    from serving.weekly.weekly_figures import last_complete_week, measure_week, parse_week
    from serving.weekly.weekly_json import week_json
    from serving.weekly.weekly_mail import write_mail
    from serving.weekly.weekly_sending import loss_titles
    from serving.weekly.weekly_text import week_as_text, write_week

    settings = configuration.load(home=home, policy=policy)
    day = today(settings.timezone)
    monday = parse_week(week) if week else last_complete_week(day)
    if monday > day:
        raise UsageError(f"The week of {monday} has not begun.")
    with assembly.open_queue(settings) as store:
        rules = read_policy_in_force(store, assembly.policy_source(settings)).policy.rules
        if send:
            _send(store, rules, monday, utcnow())
            return
        with store.reading() as session:
            figures = measure_week(session, monday, utcnow(), None, loss_titles(rules))
    if as_json:
        typer.echo(json.dumps(week_json(figures)))
        return
    text = write_week(figures, day)
    if to_file is None:
        typer.echo(week_as_text(text), nl=False)
        return
    try:
        to_file.write_text(write_mail(text).html, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The file {to_file} cannot be written: {error.strerror}.") from None
    out.print(f"{to_file}: {text.subtitle}", markup=False, soft_wrap=True)


def _send(store: "Store", rules: "Rules", monday: date, now: datetime) -> None:
    """Write the mails of a week; `rescue deliver` and the timers send them.

    Raises:
        RescueError: the policy names nobody, or there is no channel for mail.
    """
    from serving.weekly.weekly_sending import send_week

    queued = send_week(store, rules, monday, now)
    if queued.problem:
        raise RescueError(queued.problem)
    if queued.recipients:
        out.print(f"Written to {', '.join(queued.recipients)}; `rescue deliver` sends it.", markup=False)
    else:
        out.print("Everybody in [weekly] has the report of this week already.", markup=False)
