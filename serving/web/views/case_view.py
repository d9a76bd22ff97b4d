"""What the case page shows: the frozen hand-off, the possible actions, the history, and what is known since."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from serving.cases.audit import REMARKS
from serving.cases.cases import UNDO_FOR
from serving.cases.handover.hand_over_choices import CaseHandOvers, FieldChoice, SentForm
from serving.cases.permissions import Act, Actor
from serving.cases.transitions import transition
from serving.handoff.package import Handoff, ReasonFact, RiskCard, UsageFact
from serving.handoff.record_links import RecordLink
from serving.policy.state.case_status import ClosureCode
from serving.policy.state.reason_texts import RESOLVED_TEXTS, alarm_text
from serving.store.case_states import Action, State
from serving.store.casework.case_work_file import CaseWorkFile
from serving.store.queries.case_queries import CaseFile
from serving.store.tables import Case, CaseEvent
from serving.web import display_text
from serving.web.forms import LOG_CONTACT, Assignees, CaseForm, case_forms
from serving.web.reader import PageReader
from serving.web.views.case_comparison import Comparison, compare_values
from serving.web.views.case_summary import money_text, record_links, risk_text, why_sentences
from serving.web.views.case_timeline import TimelineView, build_timeline
from serving.web.views.case_work_view import PrimaryStep, TaskView, primary_step, task_views
from serving.web.views.line_plots import Plot, Point, draw_plot
from serving.web.work_forms import WorkChoices, task_fields

GROUPS: dict[str, tuple[str, ...]] = {
    "Work on it": (*(Action.ACCEPT, Action.RETURN, Action.CLAIM, LOG_CONTACT, Action.PLAN, Action.SNOOZE), Action.WAKE),
    "Close it": (Action.RESOLVE, Action.REOPEN),
    "Pass it on": (Action.HAND_OVER, Action.RELEASE, Action.ASSIGN, Action.REASSIGN),
}
"""The actions by the title of their group."""

STRONG, MODERATE = 0.8, 0.3
"""Log-odds from which a reason is called strong, and moderate: e^0.8 more than doubles the odds, e^0.3 adds a third."""


@dataclass(frozen=True)
class ReasonView:
    """A reason with its strength in a word, and as a share of the strongest one for a bar."""

    fact: ReasonFact
    strength: str
    share: float


@dataclass(frozen=True)
class RiskView:
    """One risk: its probability, its reasons, and its probability over time."""

    card: RiskCard
    reasons: tuple[ReasonView, ...]
    history: Plot | None


@dataclass(frozen=True)
class ResolvedHint:
    """Why the cause of the case is gone, when the night will close it, and whether the reader can close it now."""

    text: str
    closes_on: date | None
    may_close: bool


@dataclass(frozen=True)
class AlarmView:
    """An alarm in words, with the night that raised it."""

    text: str
    raised_on: date


@dataclass(frozen=True)
class UndoOffer:
    """The reader's own last action, in words, and until when it can be undone."""

    text: str
    until: datetime


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
    alarms: tuple[AlarmView, ...]
    resolved: ResolvedHint | None
    draft: DraftText
    work: CaseWorkFile
    tasks: tuple[TaskView, ...]
    primary: PrimaryStep | None
    timeline: TimelineView
    why: tuple[str, ...]
    risk_now: str
    money: str
    links: tuple[RecordLink, ...]
    new_task: tuple[FieldChoice, ...]
    reader: PageReader
    sent: SentForm | None = None

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
    def responsible(self) -> str:
        """Who has to act now, in words."""
        who = self.reader.name_of(self.case.responsible)
        if self.case.owner:
            return who
        answer = "accepts" if self.case.state == State.HANDED_OVER else "claims"
        return f"{who} (until somebody {answer} the case)" if who else "nobody yet"

    @property
    def form_groups(self) -> tuple[tuple[str, tuple[CaseForm, ...]], ...]:
        """The forms of the actions in groups with a title, without the one that is the next step."""
        primary = self.primary.form if self.primary else None
        others = [form for form in self.forms if form is not primary]
        groups = {title: tuple(form for form in others if form.action in actions) for title, actions in GROUPS.items()}
        return tuple((title, forms) for title, forms in groups.items() if forms)

    @property
    def has_playbook(self) -> bool:
        """Whether the case has tasks of a playbook of the policy: the hand-off's suggestion would be a second list."""
        return any(task.row.playbook for task in self.tasks)

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
    *,
    draft: DraftText | None = None,
    hand_overs: CaseHandOvers | None = None,
    work: CaseWorkFile | None = None,
    choices: WorkChoices | None = None,
    may_acknowledge: bool = False,
) -> CaseView:
    """The page of a case for the person who looks at it."""
    handoff, actor, now = Handoff.model_validate_json(file.handoff), reading.actor, reading.now
    assignees = Assignees(file.members, file.squads, hand_overs or CaseHandOvers(), choices or WorkChoices())
    forms = () if file.read_only else tuple(case_forms(file.case, actor, assignees, reading.today))
    own, resolved = work or CaseWorkFile(), _resolved_hint(file.case, forms)
    tasks = task_views(
        own.tasks, file.case, actor, reading.today, assignees.work, reading.reader, read_only=file.read_only
    )
    events, complete = file.events, reading.complete
    return CaseView(
        file=file,
        handoff=handoff,
        timer=display_text.sla_timer(file.case, now),
        forms=forms,
        may_comment=actor.may(Act.COMMENT) and (own.invited or not file.read_only),
        no_action_text=_no_action_text(file, reading, invited=own.invited),
        undo=None if file.read_only else _undo_offer(file.events, actor, now),
        risks=tuple(_risk_view(card, handoff.binding.as_of) for card in handoff.risks),
        usage=tuple(
            (metric, draw_plot(usage_title(metric), usage_points(metric, handoff.binding.as_of), normal=metric.normal))
            for metric in handoff.usage
        ),
        health=draw_plot("Health score", health_points(handoff), top=100.0),
        comparisons=tuple(compare_values(file, handoff, now)),
        alarms=tuple(AlarmView(_title(alarm_text(code)), row.raised_on) for code, row in file.case.alarms.items()),
        resolved=resolved,
        draft=_placed_draft(draft or DraftText(), forms, handoff),
        work=own,
        tasks=tasks,
        primary=primary_step(
            file.case,
            forms,
            tasks,
            reading.reader,
            may_acknowledge=may_acknowledge and bool(forms),
            resolved=resolved is not None and resolved.may_close,
        ),
        timeline=build_timeline(events, own.log, own.messages, reading.reader, shown=reading.shown, complete=complete),
        why=why_sentences(handoff),
        risk_now=risk_text(file),
        money=money_text(file, reading.today),
        links=record_links(handoff),
        new_task=task_fields(assignees.work),
        reader=reading.reader,
        sent=assignees.hand_overs.sent,
    )


def without_account_name(headline: str, name: str) -> str:
    """A headline for a page whose title has the account's name already."""
    text = headline.removeprefix(f"{name}: ")
    return text[:1].upper() + text[1:]


def usage_points(metric: UsageFact, as_of: date) -> list[Point]:
    """The weeks of a measure, each at its last day."""
    last = len(metric.weeks) - 1
    days = [as_of - timedelta(days=1 + 7 * (last - week)) for week in range(len(metric.weeks))]
    return [Point(on, value) for on, value in zip(days, metric.weeks, strict=True)]


def usage_title(metric: UsageFact) -> str:
    """The title of a measure of usage, with its unit."""
    repeated = metric.unit.lower().startswith(metric.title.lower())  # "Actions", in "actions a week"
    return metric.unit.capitalize() if repeated else f"{metric.title}, {metric.unit}"


def health_points(handoff: Handoff) -> list[Point]:
    """The health scores of the hand-off; adjusted ones are marked."""
    return [Point(score.measured_on, score.score, score.adjusted) for score in handoff.main_health]


def _risk_view(card: RiskCard, as_of: date) -> RiskView:
    strongest = max((abs(fact.strength) for fact in card.reasons), default=1.0) or 1.0
    points = [Point(point.as_of, point.probability) for point in card.history]
    history = draw_plot(card.title, [*points, Point(as_of, card.probability)], share=True) if points else None
    reasons = tuple(ReasonView(fact, _strength(fact), abs(fact.strength) / strongest) for fact in card.reasons)
    return RiskView(card, reasons, history)


def _strength(fact: ReasonFact) -> str:
    size = abs(fact.strength)
    word = "strong" if size >= STRONG else "moderate" if size >= MODERATE else "weak"
    direction = "lowers the risk" if fact.strength < 0 else "raises the risk"
    return f"{word}, {direction}" + (", uncertain" if fact.weak else "")


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


def _undo_offer(events: tuple[CaseEvent, ...], actor: Actor, now: datetime) -> UndoOffer | None:
    last = next((event for event in reversed(events) if event.kind not in REMARKS), None)
    if last is None or last.actor != actor.name or last.kind not in set(Action) or not actor.may(Act.WORK):
        return None
    until = last.at + UNDO_FOR
    undoable = transition(Action(last.kind)).undoable and now <= until
    return UndoOffer(display_text.event_text(last.kind), until) if undoable else None


def _resolved_hint(case: Case, forms: tuple[CaseForm, ...]) -> ResolvedHint | None:
    if case.resolved is None or case.closed_at is not None:
        return None
    may_close = Action.RESOLVE in {form.action for form in forms}
    return ResolvedHint(_title(RESOLVED_TEXTS[ClosureCode(case.resolved)]), case.closes_on, may_close)


def _title(text: str) -> str:
    return text[:1].upper() + text[1:]
