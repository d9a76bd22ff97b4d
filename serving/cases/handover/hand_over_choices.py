"""What a person can choose when a case changes hands: squads with their forms, pre-filled, and people with their load.

Without ``[forms]`` in the policy there are no forms, and without ``[people]`` no notes about people.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from serving.cases.handover.form_answers import matching_forms
from serving.cases.people import Staff, count_open_cases, load_staff, newest_rules
from serving.handoff.package import Handoff
from serving.handoff.render import amount, day
from serving.handoff.why_now import without_day_counts
from serving.paths.duty import ObstacleCode
from serving.paths.path_steps import TIER_WORDS
from serving.policy.definition.people.form_rules import FieldRule, FormRule
from serving.store.handover_tables import HandOverRow
from serving.store.queries.case_queries import case_history
from serving.store.queries.handover_queries import answer_texts, newest_hand_over
from serving.store.tables import Account, Case


@dataclass(frozen=True)
class FieldChoice:
    """A field of a form with what it is filled with at first."""

    name: str
    label: str
    kind: str
    required: bool
    choices: tuple[str, ...]
    value: str


@dataclass(frozen=True)
class HandOverChoice:
    """A hand-over that has a form: where the case goes, and what is asked."""

    squad: str
    tier: int
    form: str
    title: str
    fields: tuple[FieldChoice, ...]


@dataclass(frozen=True)
class SentForm:
    """The newest hand-over of a case with its answers, as label and text.

    ``reason`` is the sender's; ``return_reason`` is why the receiver returned it.
    """

    from_squad: str
    sent_by: str
    at: datetime
    status: str
    title: str
    answers: tuple[tuple[str, str], ...]
    reason: str = ""
    to_squad: str = ""
    answered_by: str | None = None
    answered_at: datetime | None = None
    return_reason: str = ""


@dataclass(frozen=True)
class CaseHandOvers:
    """Everything about changing hands that the page of a case shows; ``notes`` are about people, by name."""

    choices: tuple[HandOverChoice, ...] = ()
    sent: SentForm | None = None
    notes: Mapping[str, str] = field(default_factory=dict)


def case_hand_overs(
    session: Session, case: Case, handoff: Handoff, now: datetime, *, with_notes: bool = True
) -> CaseHandOvers:
    """The forms for each squad and tier that the case can be handed over to, the newest form, and notes on people.

    The notes are for whoever assigns the case; they count every open case.
    """
    rules = newest_rules(session)
    staff = load_staff(session, now)
    notes = _notes(session, staff, case.squad, now) if with_notes else {}
    if rules is None or not (rules.forms or rules.people):
        return CaseHandOvers(sent=_sent(session, case, {}), notes=notes)
    values = _prefilled(session, case, handoff) if rules.forms else {}
    newest = newest_hand_over(session, case.id)
    returned = newest if newest is not None and newest.status == "returned" else None
    choices = []
    for squad, entry in staff.roster.squads.items():
        tiers = (1,) if squad != case.squad else tuple(range(case.tier + 2, len(TIER_WORDS) + 1))
        for tier in tiers:
            forms = matching_forms(rules.forms, entry.skills, tier)
            specific = {name: form for name, form in forms.items() if form.skill == case.skill} or forms
            choices += [_choice(squad, tier, name, form, values, returned) for name, form in specific.items()]
    return CaseHandOvers(tuple(choices), _sent(session, case, rules.forms), notes)


def _choice(
    squad: str, tier: int, name: str, form: FormRule, values: Mapping[str, Any], returned: HandOverRow | None
) -> HandOverChoice:
    """A form with its first values: the answers of the hand-over that was returned, else what is known of the case."""
    earlier = returned.answers if returned is not None and returned.form == name else {}
    known = {key: str(answer["value"]) for key, answer in earlier.items() if answer["value"] is not None}
    fields = tuple(
        FieldChoice(key, rule.label, rule.kind, rule.required, rule.choices, known.get(key) or _text(rule, values))
        for key, rule in form.fields.items()
    )
    return HandOverChoice(squad, tier, name, form.title or name.replace("_", " ").capitalize(), fields)


def _sent(session: Session, case: Case, forms: Mapping[str, FormRule]) -> SentForm | None:
    row = newest_hand_over(session, case.id)
    if row is None:
        return None
    events = (event for event in case_history(session, case.id) if event.kind == "hand_over" and event.at == row.at)
    reason = next((event.comment for event in events if event.comment), "")
    rule = forms.get(row.form)
    title = (rule.title if rule else None) or row.form.replace("_", " ").capitalize()
    return SentForm(
        from_squad=row.from_squad,
        sent_by=row.actor,
        at=row.at,
        status=row.status,
        title=title,
        answers=answer_texts(row.answers),
        reason=reason,
        to_squad=row.to_squad,
        answered_by=row.answered_by,
        answered_at=row.answered_at,
        return_reason=row.reason or "",
    )


def _prefilled(session: Session, case: Case, handoff: Handoff) -> dict[str, Any]:
    """What a field can be filled from; texts, dates, or true and false."""
    events, account = case_history(session, case.id), session.get_one(Account, case.account_id)
    newest = {event.kind: event.comment for event in events if event.comment}
    reasons = [fact.sentence for card in handoff.risks for fact in card.reasons]
    ticket = next(iter(handoff.tickets), None)
    return {
        "headline": case.headline,
        "reason": case.first_reason or next(map(without_day_counts, (*handoff.why_now, *reasons)), None),
        "ticket": ticket.subject if ticket else None,
        "at_stake": amount(case.at_stake, handoff.currency) if case.at_stake is not None else None,
        "renews_on": account.renews_on,
        "ends_on": case.ends_on,
        "severity": case.severity,
        "owner": account.owner,
        "contacted": case.responded_at is not None,
        "plan": newest.get("plan"),
        "last_comment": newest.get("comment"),
    }


def _text(rule: FieldRule, values: Mapping[str, Any]) -> str:
    """The first value of a field as its kind is typed; empty where it does not fit."""
    value = values.get(rule.prefill or "")
    if value is None:
        return ""
    if isinstance(value, bool):
        return ("yes" if value else "no") if rule.kind in {"yes-no", "text"} else ""
    if isinstance(value, date):
        return value.isoformat() if rule.kind == "date" else day(value)
    text = str(value)
    return text if rule.kind == "text" or text in rule.choices else ""


def _notes(session: Session, staff: Staff, squad: str, now: datetime) -> dict[str, str]:
    """Duty, load, local time and absence of the members of a squad, for whoever assigns the case.

    Those who can act come first, in the order of duty and then of load: the first is whom the policy would choose.
    """
    counts, entry = count_open_cases(session), staff.roster.squads.get(squad)
    duty = {person: place for place, person in enumerate(staff.on_duty(squad, now).tiers)}

    def order(person: str) -> tuple[bool, int, int]:
        return staff.obstacle(person, now) is not None, duty.get(person, len(duty)), counts.get(person, 0)

    members = sorted(entry.members if entry else (), key=order)
    return {person: _note(staff, person, counts.get(person, 0), duty.get(person), now) for person in members}


def _note(staff: Staff, person: str, count: int, duty: int | None, now: datetime) -> str:
    obstacle, limit = staff.obstacle(person, now), staff.roster.person(person).max_open
    parts = [f"{TIER_WORDS[duty]} on duty"] if duty is not None and duty < len(TIER_WORDS) else []
    parts.append(f"{count} of {limit} open" if limit else f"{count} open")
    if staff.roster.listed:
        parts.append(f"local time {staff.roster.local_time(person, now):%H:%M}")
    absent = obstacle is not None and obstacle.code in {ObstacleCode.ABSENT, ObstacleCode.DISABLED}
    return ", ".join([*parts, *([obstacle.text] if obstacle and absent else [])])
