"""The fields of the forms for contacts, outcomes and tasks, and how what was typed into them becomes a use case.

A choice is sent as its title ("Message left"), which is also what a person reads; the code is derived from it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from features.errors import UsageError
from serving.cases.cases import Cases
from serving.cases.casework.case_work import TaskChange
from serving.cases.casework.contact_entries import ContactDetails
from serving.cases.handover.hand_over_choices import FieldChoice
from serving.cases.permissions import Actor
from serving.policy_versions.typed_number import typed_number
from serving.store.casework.casework_tables import CHANNELS, DIRECTIONS, RESULTS, AccountContact
from serving.store.tables import Case

Texts = Mapping[str, str]
UseCase = Callable[[Cases, str, Actor, int | None, Texts], Case | None]

FIELD = "field-"
"""What the name of a field begins with."""

ZONE = "zone"
"""The hidden field with the time zone in which a time was typed."""


@dataclass(frozen=True)
class OutcomeChoices:
    """What the forms that close a case offer: reasons by outcome (code -> title), and which outcomes need one.

    ``amount`` is the money of the case, in ``currency``.
    """

    reasons: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    amount: float | None = None
    currency: str = ""


@dataclass(frozen=True)
class WorkChoices:
    """What the forms about the work on a case offer; ``people`` are the names of colleagues by sign-in name."""

    contacts: Sequence[AccountContact] = ()
    outcomes: OutcomeChoices = field(default_factory=OutcomeChoices)
    people: Mapping[str, str] = field(default_factory=dict)
    zone: str = "UTC"


def contact_fields(choices: WorkChoices) -> tuple[FieldChoice, ...]:
    """Who was contacted, how, with what result, and when; only the result has no answer that fits most contacts."""
    names = tuple(dict.fromkeys(row.name for row in choices.contacts if row.name))
    return (
        FieldChoice("person", "Who", "suggest", False, names, names[0] if len(names) == 1 else ""),
        FieldChoice("channel", "How", "choice", True, _titles(CHANNELS), "Call"),
        FieldChoice("result", "Result", "choice", True, _titles(RESULTS), ""),
        FieldChoice("direction", "Direction", "choice", True, _titles(DIRECTIONS), "Outbound"),
        FieldChoice("at", f"When, if not now ({choices.zone})", "time", False, (), ""),
    )


def outcome_fields(verdict: str, choices: OutcomeChoices) -> tuple[FieldChoice, ...]:
    """Why the case ended so, where the policy has reasons, and the revenue that was saved or lost."""
    reasons = choices.reasons.get(verdict, {})
    fields = []
    if reasons:
        titles = tuple(reasons.values())
        fields.append(FieldChoice("reason", "Why", "choice", verdict in choices.required, titles, ""))
    if verdict in ("saved", "lost"):
        label = f"Revenue {verdict}, a year" + (f", in {choices.currency}" if choices.currency else "")
        label += ", such as 40000 or 1,200.50"
        value = f"{choices.amount:.0f}" if choices.amount is not None else ""
        fields.append(FieldChoice("amount", label, "line", False, (), value))
    return tuple(fields)


def task_fields(
    choices: WorkChoices, *, title: str = "", due_on: date | None = None, owner: str | None = None
) -> tuple[FieldChoice, ...]:
    """Title, due day and owner of a task."""
    people = tuple(dict.fromkeys(choices.people.values()))
    shown = choices.people.get(owner, owner) if owner else ""
    return (
        FieldChoice("title", "What is to be done", "line", True, (), title),
        FieldChoice("due", "Due", "date", False, (), due_on.isoformat() if due_on else ""),
        FieldChoice("owner", "Owner, if not the person responsible", "choice", False, people, shown or ""),
    )


def _log_contact(cases: Cases, case_id: str, actor: Actor, version: int | None, texts: Texts) -> Case:
    if not _typed(texts, "result"):
        raise UsageError("The result of the contact is missing: choose whether the customer was reached.")
    details = ContactDetails(
        person=_typed(texts, "person"),
        channel=_code(_typed(texts, "channel")) or "other",
        direction=_code(_typed(texts, "direction")) or "outbound",
        result=_code(_typed(texts, "result")),
        at=_instant(_typed(texts, "at"), texts.get(ZONE, "UTC")),
    )
    return cases.log_contact(case_id, actor, details=details, comment=texts.get("text") or None)


def _resolve(cases: Cases, case_id: str, actor: Actor, version: int | None, texts: Texts) -> Case:
    verdict = texts.get("verdict", "")
    return cases.resolve(
        case_id,
        actor,
        version,
        verdict=verdict,
        comment=texts.get("text") or None,
        reason=_typed(texts, "reason") or None,
        amount=parse_amount(_typed(texts, "amount")),
    )


def _add_task(cases: Cases, case_id: str, actor: Actor, version: int | None, texts: Texts) -> None:
    due = _day(_typed(texts, "due"))
    cases.work.add_task(case_id, actor, title=_typed(texts, "title"), due_on=due, owner=_typed(texts, "owner"))


def _change_task(cases: Cases, case_id: str, actor: Actor, version: int | None, texts: Texts) -> None:
    due = _day(_typed(texts, "due"))
    change = TaskChange(_typed(texts, "title"), _typed(texts, "owner"), due, no_due_day=due is None)
    cases.work.change_task(case_id, actor, *_task(texts), change=change)


def _finish_task(cases: Cases, case_id: str, actor: Actor, version: int | None, texts: Texts) -> None:
    cases.work.finish_task(case_id, actor, *_task(texts))


def _skip_task(cases: Cases, case_id: str, actor: Actor, version: int | None, texts: Texts) -> None:
    cases.work.skip_task(case_id, actor, *_task(texts), reason=texts.get("text", ""))


def _reopen_task(cases: Cases, case_id: str, actor: Actor, version: int | None, texts: Texts) -> None:
    cases.work.reopen_task(case_id, actor, *_task(texts))


def _detach(cases: Cases, case_id: str, actor: Actor, version: int | None, texts: Texts) -> None:
    cases.work.detach(case_id, actor, texts.get("attachment", ""))


WORK_USE_CASES: dict[str, UseCase] = {
    "log_contact": _log_contact,
    "resolve": _resolve,
    "task_add": _add_task,
    "task_change": _change_task,
    "task_done": _finish_task,
    "task_skip": _skip_task,
    "task_reopen": _reopen_task,
    "detach": _detach,
}
"""What the forms do, by the last part of the address that they are sent to."""


def parse_amount(text: str) -> float | None:
    """A typed amount of money as people in America or Europe write it; None where nothing is typed.

    Raises:
        UsageError: it is no number.
    """
    if not text.strip():
        return None
    amount = typed_number(text)
    if amount is None:
        raise UsageError(f"The amount {text!r} is no number: write it as 40000, 1,200.50 or 1.200,50.")
    return amount


def _titles(codes: Sequence[str]) -> tuple[str, ...]:
    return tuple(code.replace("_", " ").capitalize() for code in codes)


def _code(title: str) -> str:
    return title.strip().lower().replace(" ", "_")


def _typed(texts: Texts, name: str) -> str:
    return texts.get(f"{FIELD}{name}", "").strip()


def _task(texts: Texts) -> tuple[int, int | None]:
    """The number and the version of the task that a form is about."""
    task, version = texts.get("task", ""), texts.get("task_version", "")
    if not task.isdecimal() or len(task) > 15:
        raise UsageError("The form names no task: load the page again and repeat.")
    return int(task), int(version) if version.isdecimal() and len(version) < 10 else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(f"The due day {text!r} is no date: write it as 2026-07-01.") from None


def _instant(text: str, zone: str) -> datetime | None:
    """A time of a browser's field in a time zone, as naive UTC."""
    if not text:
        return None
    try:
        local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    except (ValueError, OSError):
        raise UsageError(f"The time {text!r} cannot be read: write it as 2026-07-01T14:30.") from None
    return local.astimezone(UTC).replace(tzinfo=None)
