"""What the case page shows: the frozen hand-off, the possible actions, the history, and what is known since."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from serving.cases.handover.hand_over_choices import CaseHandOvers, FieldChoice, SentForm
from serving.cases.permissions import Act, Actor
from serving.handoff.package import Handoff, UsageFact
from serving.handoff.record_links import RecordLink
from serving.nights.person_handoff import lacks_source_facts
from serving.policy.definition.policy_schema import PolicyFile
from serving.policy.state.case_status import ClosureCode
from serving.policy.state.reason_texts import RESOLVED_TEXTS
from serving.store.case_states import Action
from serving.store.casework.case_work_file import CaseWorkFile
from serving.store.queries.case_queries import CaseFile
from serving.store.tables import Case
from serving.web import display_text
from serving.web.forms import LOG_CONTACT, Assignees, CaseForm, case_forms
from serving.web.reader import PageReader
from serving.web.views.case_alarms import AlarmView, MissedDeadline, alarm_views, missed_deadlines
from serving.web.views.case_comparison import Comparison, compare_values
from serving.web.views.case_summary import (
    WhyLine,
    earlier_save_text,
    money_text,
    queue_reason,
    record_links,
    risk_text,
    why_lines,
    without_account_name,
    young_customer_text,
)
from serving.web.views.case_timeline import TimelineView, build_timeline
from serving.web.views.case_work_view import PrimaryStep, TaskView, primary_step, task_views
from serving.web.views.handoff_points import health_points, usage_points, usage_title
from serving.web.views.line_plots import Plot, draw_plot
from serving.web.views.risk_view import RiskView, risk_view
from serving.web.views.undo_offer import UndoOffer, undo_offer
from serving.web.views.work.outcome_amount import OutcomeAmount, outcome_amount
from serving.web.views.work.price_text import priority_text
from serving.web.views.work.responsible_text import responsible_text
from serving.web.work_forms import WorkChoices, task_fields

GROUPS: dict[str, tuple[str, ...]] = {
    "Work on it": (*(Action.ACCEPT, Action.RETURN, Action.CLAIM, LOG_CONTACT, Action.PLAN, Action.SNOOZE), Action.WAKE),
    "Close it": (Action.RESOLVE,),
    "Open it again": (Action.REOPEN,),
    "Pass it on": (Action.HAND_OVER, Action.RELEASE, Action.ASSIGN, Action.REASSIGN),
}
"""The actions by the title of their group."""


NOT_SAVED = "as expired, not as saved: nobody has contacted the customer or made a plan"


@dataclass(frozen=True)
class ResolvedHint:
    """Why the cause of the case is gone, when and as what the night will close it, and what the reader can do now.

    Only a case that somebody acted on is offered to be closed as saved, because nothing else was saved by the team.
    """

    text: str
    closes_on: date | None
    closes_as: str
    offers_saved: bool


@dataclass(frozen=True)
class DraftText:
    """The texts of a form whose action failed: they are shown in the form again.

    If the case in its current state has no such form, the text is shown in the form for comments.
    """

    action: str = ""
    text: str = ""
    until: str = ""
    reason: str = ""
    form: str = ""
    verdict: str = ""
    task: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)

    def is_of(self, form: CaseForm) -> bool:
        """Whether these texts were typed into this form."""
        of_outcome = not self.verdict or self.verdict in {button.value for button in form.buttons}
        return self.action == form.action and of_outcome and self.form == dict(form.hidden).get("form", "")


@dataclass(frozen=True)
class CaseReading:
    """How a case is read: by whom, in which time zone, when, and with which part of its timeline."""

    actor: Actor
    reader: PageReader
    now: datetime
    shown: str = ""
    complete: bool = False

    @property
    def today(self) -> date:
        """The day of the reader."""
        return self.reader.local(self.now).date()


@dataclass(frozen=True)
class CaseView:
    """The page."""

    file: CaseFile
    handoff: Handoff
    timer: display_text.SlaTimer | None
    forms: tuple[CaseForm, ...]
    may_comment: bool
    no_action_text: str
    undo: UndoOffer | None
    risks: tuple[RiskView, ...]
    usage: tuple[tuple[UsageFact, Plot | None], ...]
    health: Plot | None
    comparisons: tuple[Comparison, ...]
    resolved: ResolvedHint | None
    draft: DraftText
    work: CaseWorkFile
    tasks: tuple[TaskView, ...]
    primary: PrimaryStep | None
    timeline: TimelineView
    why: tuple[WhyLine, ...]
    earlier_save: str
    money: str
    new_task: tuple[FieldChoice, ...]
    reader: PageReader
    sent: SentForm | None = None
    amount: OutcomeAmount | None = None

    @property
    def case(self) -> Case:
        """The case."""
        return self.file.case

    @property
    def name(self) -> str:
        """The account's name, or its id."""
        return self.file.account.name or self.file.account.account_id

    @property
    def headline(self) -> str:
        """The case in one sentence; the page's title has the name already."""
        return without_account_name(self.case.headline, self.name)

    @property
    def superseded(self) -> bool:
        """Whether there is a newer hand-off than the one that is shown."""
        return self.file.handoff_of != max(self.file.handoffs)

    @property
    def lacks_source_facts(self) -> bool:
        """Whether the hand-off was made without the source, so that what is missing in it may exist."""
        return lacks_source_facts(self.handoff)

    @property
    def alarms(self) -> tuple[AlarmView, ...]:
        """The alarms that the case contains."""
        return alarm_views(self.case)

    @property
    def young(self) -> str:
        """That the customer is a new one; empty where it is not."""
        return young_customer_text(self.handoff)

    @property
    def risk_now(self) -> str:
        """The risk of the newest night beside that of the hand-off."""
        return risk_text(self.file)

    @property
    def links(self) -> tuple[RecordLink, ...]:
        """Where the account is found in other systems."""
        return record_links(self.handoff)

    @property
    def responsible(self) -> str:
        """Who has to act now, in words."""
        return responsible_text(self.case, self.reader)

    @property
    def form_groups(self) -> tuple[tuple[str, tuple[CaseForm, ...]], ...]:
        """The forms of the actions in groups with a title, without the one that is the next step."""
        primary = self.primary.form if self.primary else None
        others = [form for form in self.forms if form is not primary]
        groups = {title: tuple(form for form in others if form.action in actions) for title, actions in GROUPS.items()}
        return tuple((title, forms) for title, forms in groups.items() if forms)

    @property
    def priority(self) -> str:
        """The priority in the hand-off, as the queue writes it."""
        facts = self.handoff.case
        return priority_text(facts.priority, self.handoff.currency if facts.at_stake is not None else "")

    @property
    def has_playbook(self) -> bool:
        """Whether the case has tasks of a playbook of the policy: the hand-off's suggestion would be a second list."""
        return any(task.row.playbook for task in self.tasks)

    @property
    def missed(self) -> tuple[MissedDeadline, ...]:
        """The deadlines that passed since the case was opened."""
        return missed_deadlines(self.file.events)

    @property
    def open_tasks(self) -> int:
        """The number of tasks that are still to be done."""
        return sum(task.is_open for task in self.tasks)

    @property
    def returned(self) -> SentForm | None:
        """The newest hand-over where its receiver returned it: whoever has the case now has to know why."""
        back = self.sent is not None and self.sent.status == "returned" and self.case.closed_at is None
        return self.sent if back else None


def case_view(
    file: CaseFile,
    reading: CaseReading,
    handoff: Handoff,
    *,
    draft: DraftText | None = None,
    hand_overs: CaseHandOvers | None = None,
    work: CaseWorkFile | None = None,
    choices: WorkChoices | None = None,
    rules: PolicyFile | None = None,
    counted: float | None = None,
) -> CaseView:
    """The page of a case for the person who looks at it; ``handoff`` is that of the file.

    ``rules`` are those of the newest night's policy, ``counted`` is the revenue that the closed case saved or lost.
    """
    actor, now = reading.actor, reading.now
    assignees = Assignees(file.members, file.squads, hand_overs or CaseHandOvers(), choices or WorkChoices())
    forms = () if file.read_only else tuple(case_forms(file.case, actor, assignees, reading.today))
    own, resolved = work or CaseWorkFile(), _resolved_hint(file)
    tasks = task_views(
        own.tasks, file.case, actor, reading.today, assignees.work, reading.reader, read_only=file.read_only
    )
    return CaseView(
        file=file,
        handoff=handoff,
        timer=display_text.sla_timer(file.case, now),
        forms=forms,
        may_comment=actor.may(Act.COMMENT) and (own.invited or not file.read_only),
        no_action_text=_no_action_text(file, reading, invited=own.invited),
        undo=None if file.read_only else undo_offer(file.events, actor, now),
        risks=tuple(risk_view(card, handoff.binding.as_of) for card in handoff.risks),
        usage=tuple(_usage_plots(handoff)),
        health=draw_plot("Health score", health_points(handoff), top=100.0),
        comparisons=tuple(compare_values(file, handoff, now)),
        resolved=resolved,
        draft=_placed_draft(draft or DraftText(), forms, handoff),
        work=own,
        tasks=tasks,
        primary=primary_step(file.case, forms, tasks, reading.reader, saved=bool(resolved and resolved.offers_saved)),
        timeline=_timeline(file, reading, own, assignees),
        why=why_lines(handoff, queue_reason(file)),
        earlier_save=earlier_save_text(handoff, rules, file.case.opened_on),
        money=money_text(file, reading.today, handoff.currency),
        new_task=task_fields(assignees.work),
        reader=reading.reader,
        sent=assignees.hand_overs.sent,
        amount=outcome_amount(file.case, counted, handoff.currency),
    )


def _timeline(file: CaseFile, reading: CaseReading, own: CaseWorkFile, assignees: Assignees) -> TimelineView:
    """What happened in the case, of the kind and as far back as the reader asks for."""
    return build_timeline(
        file.events,
        own.log,
        own.messages,
        reading.reader,
        reasons=assignees.work.outcomes.reasons,
        sent=assignees.hand_overs.sent,
        shown=reading.shown,
        complete=reading.complete,
    )


def _usage_plots(handoff: Handoff) -> Iterator[tuple[UsageFact, Plot | None]]:
    """Each metric of usage with its plot."""
    as_of = handoff.binding.as_of
    for metric in handoff.usage:
        yield metric, draw_plot(usage_title(metric), usage_points(metric, as_of), normal=metric.normal)


def _placed_draft(draft: DraftText, forms: tuple[CaseForm, ...], handoff: Handoff) -> DraftText:
    """The draft at its own form, or at the form for comments if the page has no such form."""
    reasons = {fact.group for card in handoff.risks for fact in card.reasons}
    shown = draft.reason in reasons if draft.action == "disagree" else any(draft.is_of(form) for form in forms)
    return draft if shown or not draft.text else replace(draft, action="comment")


def _no_action_text(file: CaseFile, reading: CaseReading, *, invited: bool) -> str:
    """The text for a reader who has no form."""
    case, actor = file.case, reading.actor
    if file.read_only:
        who = f", with {reading.reader.name_of(case.responsible)}" if case.responsible else ""
        where = f"It is with the squad {case.squad}{who}."
        if invited:
            return f"You were mentioned in this case. {where} You can read it and comment on it."
        return f"You handed this case over. {where} You can read it, but not change it."
    if not actor.may(Act.WORK):
        return (
            "You can comment on this case. Its squad works on it."
            if actor.may(Act.COMMENT)
            else "You can read this case, but not change it."
        )
    owner = reading.reader.name_of(case.owner)
    return f"{owner} works on this case. Ask them to return it, or ask a lead to reassign it."


def _resolved_hint(file: CaseFile) -> ResolvedHint | None:
    case = file.case
    if case.resolved is None or case.closed_at is not None:
        return None
    code, undone = ClosureCode(case.resolved), {event.undoes for event in file.events}
    planned = any(event.kind == Action.PLAN and event.id not in undone for event in file.events)
    acted, missing = case.responded_at is not None or planned, code is ClosureCode.ACCOUNT_MISSING
    closes_as = "as no action" if missing else "as saved" if acted else NOT_SAVED
    return ResolvedHint(_title(RESOLVED_TEXTS[code]), case.closes_on, closes_as, acted and not missing)


def _title(text: str) -> str:
    return text[:1].upper() + text[1:]
