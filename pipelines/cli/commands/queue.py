"""``rescue queue``: the open cases as a list, as one hand-off, or as a file."""

from pathlib import Path
from typing import Annotated

import typer

from features.errors import UsageError
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.acting_person import acting_person
from pipelines.cli.options import ActingName, All, CaseId, Home, require_one_of
from pipelines.console import out

EXPORT_FORMATS = ("markdown", "json", "html")

queue = typer.Typer(help="List, show or export the open cases.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(queue, name="queue")


@queue.command("list", short_help="List the open cases in the order in which to work them.")
def list_cases(
    home: Home = None,
    waiting: Annotated[
        bool,
        typer.Option("--waiting", help="List the accounts without a place in the newest night, by squad."),
    ] = False,
    every: All = False,
) -> None:
    """List the open cases in the order in which to work them; days count from the night, where that is an old one."""
    from pipelines.cli.output.queue_output import case_table, night_lines, waiting_table
    from pipelines.cli.output.terminal_tables import PRINTED_ROWS, rest_line
    from pipelines.night.night_attempts import newest_attempt
    from serving.night_report.counting_day import counting_day
    from serving.night_report.empty_queue import empty_queue_lines
    from serving.store.database import utcnow
    from serving.store.queries import decision_queries, night_queries, queue_queries

    settings = configuration.load(home=home)
    with assembly.open_queue(settings) as store, store.reading() as session:
        if waiting:
            rows = decision_queries.newest_waiting_list(session)
            out.print(waiting_table(rows if every else rows[:PRINTED_ROWS]) if rows else "No account is waiting.")
            rest = rest_line(len(rows))
        else:
            cases = night_queries.open_queue(session, None if every else PRINTED_ROWS)
            rest = rest_line(night_queries.count_open(session))
            night, today = queue_queries.newest_night(session), utcnow().date()
            for line in night_lines(night, newest_attempt(settings.home), today):
                out.print(line, markup=False)
            if cases:
                out.print(case_table(cases, counting_day(night, today)))
            else:
                out.print("There are no open cases.")
                report = night_queries.night_report(session, night) if night else None
                for line in empty_queue_lines(report) if report else ():
                    out.print(f"  {line}", markup=False)
    if rest and not every:
        out.print(rest, markup=False)


@queue.command()
def show(
    case: Annotated[str, typer.Argument(help="A case id from `rescue queue list`, or an account id.")],
    home: Home = None,
    style: Annotated[str, typer.Option("--format", help="markdown, json or html.")] = "markdown",
) -> None:
    """Print the newest hand-off of a case."""
    from serving.handoff import render
    from serving.handoff.package import Handoff
    from serving.store.casework.casework_queries import task_lines
    from serving.store.queries import night_queries
    from serving.store.tables import Case

    require_one_of(style, EXPORT_FORMATS, "--format")
    with assembly.open_queue(configuration.load(home=home)) as store, store.reading() as session:
        content = night_queries.handoff_of(session, case)
        row = session.get(Case, case)
        tasks = task_lines(session, row) if row is not None else []
    if content is None:
        raise UsageError(
            f"There is no case or account {case!r} in the queue; `rescue queue list` shows the open cases."
        )
    if style == "json":
        typer.echo(content)
        return
    package = Handoff.model_validate_json(content)
    typer.echo(render.html(package, tasks) if style == "html" else render.markdown(package, tasks))


@queue.command(short_help="Acknowledge a case, which stops its escalation path.")
def ack(
    case: CaseId,
    home: Home = None,
    person: ActingName = None,
    comment: Annotated[str | None, typer.Option(help="A text for the history.")] = None,
) -> None:
    """Acknowledge a case: its escalation path stops, and who acknowledges a case without an owner is responsible."""
    from serving.cases.cases import Cases

    with assembly.open_queue(configuration.load(home=home)) as store:
        done = Cases(store).acknowledge(case, acting_person(store, person), comment=comment)
    out.print(f"{done.id} is acknowledged by {done.acknowledged_by}.", markup=False, soft_wrap=True)


@queue.command(short_help="Claim a new case.")
def claim(case: CaseId, home: Home = None, person: ActingName = None) -> None:
    """Claim a new case: it belongs to that person, who can log contacts, record a plan and close it."""
    from serving.cases.cases import Cases

    with assembly.open_queue(configuration.load(home=home)) as store:
        done = Cases(store).claim(case, acting_person(store, person))
    out.print(f"{done.id} belongs to {done.owner}.", markup=False, soft_wrap=True)


@queue.command(name="open", short_help="Open a case of an account that no night selected.")
def open_case(
    account: Annotated[str, typer.Argument(help="An account id.")],
    reason: Annotated[str, typer.Option(help="Why the account needs a case; for its history and its hand-off.")],
    squad: Annotated[str, typer.Option(help="The squad that works on it.")],
    home: Home = None,
    risk: Annotated[
        str | None, typer.Option(help="The risk of the case. Default: the one whose case is worth most.")
    ] = None,
    person: ActingName = None,
) -> None:
    """Open a case of an account that no night selected; it is priced and ordered like every other case."""
    from serving.delivery.channel_settings import broadcast_channels
    from serving.nights.person_case import open_person_case

    settings = configuration.load(home=home)
    with assembly.open_queue(settings) as store:
        actor, channels = acting_person(store, person), broadcast_channels(settings.channels)
        case = open_person_case(store, account, actor, reason=reason, squad=squad, risk=risk, channels=channels)
    responsible = f", {case.responsible} is responsible" if case.responsible else ""
    out.print(
        f"{case.id} is open: {case.risk.replace('_', ' ')}, {case.severity}, priority {case.priority:,.0f}, "
        f"squad {case.squad}{responsible}.",
        markup=False,
        soft_wrap=True,
    )


@queue.command(short_help="Print the escalation path of a case.")
def path(
    case: CaseId,
    home: Home = None,
    reader: Annotated[
        str | None, typer.Option("--for", metavar="NAME", help="Times in the time zone of this person.")
    ] = None,
) -> None:
    """Print what the escalation path of a case did, and what comes next as long as nobody responds."""
    from serving.cases.case_errors import CaseNotFoundError
    from serving.cases.escalation.case_path import describe_case_path
    from serving.paths.message_text import local_time
    from serving.store.database import utcnow
    from serving.store.tables import Case

    with assembly.open_queue(configuration.load(home=home)) as store, store.reading() as session:
        row = session.get(Case, case)
        if row is None:
            raise CaseNotFoundError(case)
        known = describe_case_path(session, row, utcnow(), reader or "")
    for title, entries in (("Done", known.done), ("Next", known.next)):
        for entry in entries:
            out.print(f"{title}: {local_time(entry.at, known.timezone)}: {entry.text}", markup=False, soft_wrap=True)
    if known.stopped:
        out.print(known.stopped, markup=False)


@queue.command(short_help="Write the open cases to a file for spreadsheets.")
def export(
    to_file: Annotated[Path, typer.Argument(metavar="FILE", help="A file name that ends in .csv, .parquet or .xlsx.")],
    home: Home = None,
) -> None:
    """Write the open cases to a file for spreadsheets; text that looks like a formula is made harmless."""
    from serving.cases import exports
    from serving.store.queries import night_queries

    with assembly.open_queue(configuration.load(home=home)) as store, store.reading() as session:
        table = night_queries.queue_table(session)
    exports.write(table, to_file)
    out.print(f"{to_file}: {table.num_rows} cases", markup=False)
