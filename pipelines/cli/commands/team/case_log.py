"""``rescue queue history`` and ``contact``: what happened in a case, and what was said to the customer."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from features.errors import UsageError
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.acting_person import acting_person
from pipelines.cli.commands.queue import queue
from pipelines.cli.options import ActingName, CaseId, Home, Json
from pipelines.console import out

if TYPE_CHECKING:
    from serving.store import Session
    from serving.store.tables import Case
    from serving.web.reader import PageReader
    from serving.web.views.case_timeline import CaseEntry


@queue.command(short_help="Print what happened in a case, the newest first.")
def history(
    case: CaseId,
    kind: Annotated[
        str,
        typer.Option(help="Only contacts, comments, tasks, changes, hand_overs or messages."),
    ] = "",
    reader: Annotated[
        str | None, typer.Option("--for", metavar="NAME", help="Times in the time zone of this person.")
    ] = None,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Print the timeline of a case as its page shows it: actions, comments, tasks, contacts and messages."""
    from serving.cases.people import load_roster
    from serving.paths.message_text import local_time
    from serving.web.reader import PageReader
    from serving.web.views.case_timeline import ENTRY_KINDS

    if kind and kind not in ENTRY_KINDS:
        from features.errors import suggest_name

        raise UsageError(f"There is no kind {kind!r} of entries; {suggest_name(kind, list(ENTRY_KINDS))}")
    with assembly.open_queue(configuration.load(home=home)) as store, store.reading() as session:
        known = PageReader.of(load_roster(session), reader or "", "")
        entries = _timeline(session, _require_case(session, case), known, kind)
    if as_json:
        typer.echo(json.dumps([_fields(entry) for entry in entries]))
        return
    if not entries:
        out.print("There are no such entries.")
    for entry in entries:
        facts = f" ({'; '.join(entry.facts)})" if entry.facts else ""
        when = local_time(entry.at, known.zone)
        out.print(f"{when}: {entry.who} {entry.text}{facts}", markup=False, soft_wrap=True)
        for line in entry.comment.splitlines():
            out.print(f"    {line}", markup=False, soft_wrap=True)


@queue.command(short_help="Log a contact with the customer.")
def contact(
    case: CaseId,
    comment: Annotated[str | None, typer.Argument(metavar="[TEXT]", help="What was said.")] = None,
    person: Annotated[str, typer.Option(help="Who was contacted: a name, or the id of a contact.")] = "",
    channel: Annotated[str, typer.Option(help="call, meeting, mail, chat or other.")] = "call",
    result: Annotated[str, typer.Option(help="reached, message_left or not_reached.")] = "reached",
    inbound: Annotated[bool, typer.Option("--inbound", help="The customer contacted the team.")] = False,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="When, such as 2026-07-01T14:30, in UTC or with an offset. Default: now."),
    ] = None,
    by: ActingName = None,
    home: Home = None,
) -> None:
    """Log a contact with the customer; the first one that reached them stops the response timer."""
    from serving.cases.cases import Cases
    from serving.cases.casework.contact_entries import ContactDetails

    direction = "inbound" if inbound else "outbound"
    details = ContactDetails(person, channel, direction, result, _parse_time(at))
    with assembly.open_queue(configuration.load(home=home)) as store:
        with store.reading() as session:
            before = _require_case(session, case).responded_at
        done = Cases(store).log_contact(case, acting_person(store, by), details=details, comment=comment)
    stopped = " This was the first contact: the time to respond ends." if before is None and done.responded_at else ""
    out.print(f"The contact is logged in case {done.id}.{stopped}", markup=False, soft_wrap=True)


def _require_case(session: "Session", case: str) -> "Case":
    from serving.store.tables import Case

    row = session.get(Case, case)
    if row is None:
        raise UsageError(f"There is no case {case!r}: `rescue queue list` shows the open cases.")
    return row


def _timeline(session: "Session", case: "Case", reader: "PageReader", kind: str) -> "tuple[CaseEntry, ...]":
    """Every entry of the case, the newest first."""
    from serving.cases.people import newest_rules
    from serving.store.casework.case_work_file import messages_of
    from serving.store.casework.casework_queries import contact_log
    from serving.store.queries.case_queries import case_history
    from serving.web.views.case_timeline import build_timeline

    rules = newest_rules(session)
    reasons = {name: rule.reasons for name, rule in rules.outcomes.items()} if rules is not None else {}
    events, log = case_history(session, case.id), contact_log(session, case.id)
    view = build_timeline(
        events, log, messages_of(session, case.id), reader, reasons=reasons, shown=kind, complete=True
    )
    return view.entries


def _fields(entry: "CaseEntry") -> dict[str, Any]:
    names = ("kind", "who", "text", "comment")
    return {"at": f"{entry.at.isoformat()}Z", **{name: getattr(entry, name) for name in names}} | {
        "facts": list(entry.facts)
    }


def _parse_time(text: str | None) -> datetime | None:
    """The time (naive UTC); one without an offset is in UTC.

    Raises:
        UsageError: it is not a time.
    """
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--at takes a time such as 2026-07-01T14:30, not {text!r}.") from None
    return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at
