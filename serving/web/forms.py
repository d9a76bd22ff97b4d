"""What a person can do to a case, as forms: one description per action, used by the page and by the server."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from features.errors import UsageError
from serving.cases.cases import Cases
from serving.cases.handover.hand_over_choices import CaseHandOvers, FieldChoice, HandOverChoice
from serving.cases.permissions import Act, Actor
from serving.cases.transitions import actions_from
from serving.paths.path_steps import TIER_WORDS
from serving.store.case_states import WORKED, Action, State
from serving.store.tables import Case
from serving.web import display_text
from serving.web.work_forms import (
    FIELD,
    WORK_USE_CASES,
    ZONE,
    Texts,
    UseCase,
    WorkChoices,
    contact_fields,
    outcome_fields,
)

LOG_CONTACT = "log_contact"
"""The form for a contact, in any state in which somebody works on the case."""

OUTCOME_LABELS: dict[str, str] = {
    State.SAVED: "What saved the customer",
    State.LOST: "What happened",
    State.FALSE_ALARM: "Why it was a false alarm",
    State.NO_ACTION: "Why nothing was done",
}
"""What is asked when a case is closed, by outcome."""

SNOOZE_DAYS = (1, 3, 7, 14, 30)
"""Days that a case can be snoozed for with one button."""


@dataclass(frozen=True)
class FormButton:
    """A button that submits the form with ``name = value``."""

    name: str
    value: str
    title: str
    note: str = ""


@dataclass(frozen=True)
class CaseForm:
    """One action: its title, the texts to type, and the buttons that submit it.

    ``text_label`` labels a text, which is sent as ``text`` and required unless ``text_optional``; ``date_label`` labels
    a date; ``key`` is the keyboard shortcut. ``fields`` are those of a hand-off form, each sent as ``field-NAME``;
    ``hidden`` is sent as it is. ``number`` is given where an action has several forms.
    """

    action: str
    title: str
    buttons: tuple[FormButton, ...]
    text_label: str = ""
    text_optional: bool = False
    date_label: str = ""
    key: str = ""
    fields: tuple[FieldChoice, ...] = ()
    hidden: tuple[tuple[str, str], ...] = ()
    number: int = 0

    @property
    def anchor(self) -> str:
        """The id of the form within its page."""
        return f"{self.action}-{self.number}" if self.number else self.action


@dataclass(frozen=True)
class Assignees:
    """Who a case can be given to: members of its squad, and the other squads; and what other forms offer."""

    members: tuple[str, ...]
    squads: tuple[str, ...]
    hand_overs: CaseHandOvers = field(default_factory=CaseHandOvers)
    work: WorkChoices = field(default_factory=WorkChoices)


def case_forms(case: Case, actor: Actor, assignees: Assignees, today: date) -> list[CaseForm]:
    """What this person may do to the case in its current state, in the usual order of work."""
    if not actor.may(Act.WORK):
        return []
    if case.owner not in {None, actor.name} and not actor.may(Act.ASSIGN):
        return []
    allowed: set[str] = set(actions_from(State(case.state), actor))
    allowed |= {LOG_CONTACT} if case.state in WORKED else set()
    return [form for form in _all_forms(case, actor, assignees, today) if form.action in allowed and form.buttons]


def _all_forms(case: Case, actor: Actor, assignees: Assignees, today: date) -> Iterator[CaseForm]:
    yield CaseForm(Action.ACCEPT, "Accept", (_submit("Accept this case"),), key="c")
    yield CaseForm(Action.RETURN, "Return to the sender", (_submit("Return it"),), text_label="Why you return it")
    yield CaseForm(Action.CLAIM, "Claim", (_submit("Claim this case"),), key="c")
    yield CaseForm(
        LOG_CONTACT,
        "Log a contact",
        (_submit("Log the contact"),),
        text_label="What was said",
        text_optional=True,
        fields=contact_fields(assignees.work),
        hidden=((ZONE, assignees.work.zone),),
    )
    yield CaseForm(
        Action.PLAN, "Record a plan", (_submit("Save the plan"),), text_label="What will be done, and by when"
    )
    yield CaseForm(
        Action.SNOOZE, "Snooze", _snooze_buttons(today), text_label="Why it can wait", date_label="or until", key="s"
    )
    yield CaseForm(Action.WAKE, "End the snooze", (_submit("End the snooze"),))
    yield from _outcome_forms(assignees.work)
    yield CaseForm(
        Action.HAND_OVER,
        "Hand over to another squad",
        _squad_buttons(case, assignees),
        text_label="Reason, for the other squad",
    )
    for number, choice in enumerate(assignees.hand_overs.choices, start=1):
        yield _hand_over_form(case, choice, number)
    yield CaseForm(
        Action.RELEASE, "Return to the squad", (_submit("Return it to the squad"),), text_label="Why you return it"
    )
    if actor.may(Act.ASSIGN):
        action = Action.ASSIGN if case.state == State.NEW else Action.REASSIGN
        yield CaseForm(action, "Assign", _member_buttons(case, assignees))
    yield CaseForm(
        Action.REOPEN, "Reopen", (_submit("Reopen and assign it to me"),), text_label="Why it is opened again"
    )


def _submit(title: str) -> FormButton:
    return FormButton("", "", title)


def _snooze_buttons(today: date) -> tuple[FormButton, ...]:
    return tuple(
        FormButton("days", str(days), f"{days} days" if days > 1 else f"Until {today + timedelta(days=1):%a}")
        for days in SNOOZE_DAYS
    )


def _outcome_forms(work: WorkChoices) -> Iterator[CaseForm]:
    """The forms that close a case: those with money have a form each, because their reasons differ."""
    for number, (outcome, label) in enumerate(OUTCOME_LABELS.items(), start=1):
        title, reasons = display_text.state_title(outcome).lower(), bool(work.outcomes.reasons.get(outcome))
        label = f"{label}: a reason above or a sentence here is needed" if reasons and outcome == State.SAVED else label
        yield CaseForm(
            Action.RESOLVE,
            f"Close as {title}",
            (FormButton("verdict", outcome, f"Close as {title}"),),
            text_label=label,
            text_optional=outcome != State.SAVED or reasons,
            fields=outcome_fields(outcome, work.outcomes),
            number=number,
        )


def _squad_buttons(case: Case, assignees: Assignees) -> tuple[FormButton, ...]:
    with_form = {choice.squad for choice in assignees.hand_overs.choices if choice.tier == 1}
    others = (squad for squad in assignees.squads if squad != case.squad and squad not in with_form)
    return tuple(FormButton("squad", squad, f"To {squad}") for squad in others)


def _hand_over_form(case: Case, choice: HandOverChoice, number: int) -> CaseForm:
    to = TIER_WORDS[choice.tier - 1] if choice.squad == case.squad else choice.squad
    return CaseForm(
        Action.HAND_OVER,
        f"Hand over to {to}: {choice.title}",
        (_submit(f"Hand over to {to}"),),
        text_label="Reason, for the receiver",
        fields=choice.fields,
        hidden=(("squad", choice.squad), ("tier", str(choice.tier)), ("form", choice.form)),
        number=number,
    )


def _member_buttons(case: Case, assignees: Assignees) -> tuple[FormButton, ...]:
    notes = assignees.hand_overs.notes
    names, order = assignees.work.people, (*notes, *assignees.members)
    others = (person for person in dict.fromkeys(order) if person != case.owner and person in assignees.members)
    return tuple(
        FormButton("person", person, f"To {names.get(person, person)}", notes.get(person, "")) for person in others
    )


def _snooze(cases: Cases, case_id: str, actor: Actor, version: int | None, texts: Texts) -> Case:
    return cases.snooze(case_id, actor, version, until=_until(cases, texts), reason=texts.get("text", ""))


def _until(cases: Cases, texts: Texts) -> date:
    """The number of days from today that a button gives, or the date that was typed."""
    day, days = texts.get("until", ""), texts.get("days", "")
    try:
        return cases.clock().date() + timedelta(days=int(days)) if days else date.fromisoformat(day)
    except (ValueError, OverflowError):
        raise UsageError("The end of the snooze is missing: choose a number of days or a date.") from None


def _hand_over(cases: Cases, case_id: str, actor: Actor, version: int | None, texts: Texts) -> Case:
    return cases.hand_over(
        case_id,
        actor,
        version,
        squad=texts.get("squad", ""),
        reason=texts.get("text", ""),
        tier=int(texts.get("tier", "1")) if texts.get("tier", "1") in {"1", "2", "3"} else 1,
        form=texts.get("form") or None,
        answers=form_answers(texts),
    )


def form_version(text: str) -> int | None:
    """The version of a case that a form was made for; None where it names none. One of many digits is never current."""
    return int(text[:18]) if text.isdecimal() else None


def form_answers(texts: Texts) -> dict[str, str]:
    """The answers of a hand-off form by field."""
    return {name.removeprefix(FIELD): value for name, value in texts.items() if name.startswith(FIELD)}


USE_CASES: dict[str, UseCase] = {
    Action.CLAIM: lambda cases, case, actor, version, texts: cases.claim(case, actor, version),
    Action.ACKNOWLEDGE: lambda cases, case, actor, version, texts: cases.acknowledge(case, actor, version),
    Action.CONTACT: lambda cases, case, actor, version, texts: cases.contact(
        case, actor, version, comment=texts.get("text") or None
    ),
    Action.PLAN: lambda cases, case, actor, version, texts: cases.plan(
        case, actor, version, plan=texts.get("text", "")
    ),
    Action.SNOOZE: _snooze,
    Action.WAKE: lambda cases, case, actor, version, texts: cases.wake(case, actor, version),
    Action.HAND_OVER: _hand_over,
    Action.ACCEPT: lambda cases, case, actor, version, texts: cases.accept(case, actor, version),
    Action.RETURN: lambda cases, case, actor, version, texts: cases.return_to_sender(
        case, actor, version, reason=texts.get("text", "")
    ),
    Action.RELEASE: lambda cases, case, actor, version, texts: cases.release(
        case, actor, version, reason=texts.get("text", "")
    ),
    Action.ASSIGN: lambda cases, case, actor, version, texts: cases.assign(
        case, actor, version, person=texts.get("person", "")
    ),
    Action.REASSIGN: lambda cases, case, actor, version, texts: cases.assign(
        case, actor, version, person=texts.get("person", "")
    ),
    Action.REOPEN: lambda cases, case, actor, version, texts: cases.reopen(
        case, actor, version, reason=texts.get("text", "")
    ),
    "comment": lambda cases, case, actor, version, texts: cases.comment(
        case, actor, text=texts.get("text", ""), private=texts.get("private") == "yes"
    ),
    "disagree": lambda cases, case, actor, version, texts: cases.disagree(
        case,
        actor,
        reason=texts.get("reason", ""),
        comment=texts.get("text", ""),
        sentence=texts.get("sentence", ""),
    ),
    "undo": lambda cases, case, actor, version, texts: cases.undo(case, actor, version),
    **WORK_USE_CASES,
}
"""What each form does, by the last part of the address that it is sent to."""
