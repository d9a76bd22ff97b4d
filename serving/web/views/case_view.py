"""What the case page says: the frozen hand-off, what may be done now, what was done, and what is known since."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from serving.cases.audit import REMARKS
from serving.cases.cases import UNDO_FOR
from serving.cases.health_adjustments import points_at
from serving.cases.permissions import Act, Actor
from serving.cases.transitions import transition
from serving.handoff.package import Handoff, Metric, ReasonFact, RiskCard
from serving.handoff.render import amount, day, percent
from serving.store.case_queries import CaseFile
from serving.store.case_states import Move
from serving.store.tables import Case, CaseEvent
from serving.web import display_text
from serving.web.forms import Form, People, forms
from serving.web.views.line_plots import Plot, Point, plot

STRONG, CLEAR = 0.8, 0.3
"""Log-odds from which a reason is called strong, and clear: e^0.8 more than doubles the odds, e^0.3 adds a third."""


@dataclass(frozen=True)
class Reason:
    """A reason with its strength in a word, and as a share of the strongest for a bar."""

    fact: ReasonFact
    word: str
    share: float


@dataclass(frozen=True)
class Risk:
    """One risk: its card, its reasons, and how it came here."""

    card: RiskCard
    reasons: tuple[Reason, ...]
    history: Plot | None


@dataclass(frozen=True)
class Compared:
    """Something that was known at the hand-off beside what is known now."""

    what: str
    then: str
    now: str

    @property
    def moved(self) -> bool:
        """Whether it is different today."""
        return self.then != self.now


@dataclass(frozen=True)
class Entry:
    """A line of the record."""

    event: CaseEvent
    did: str
    changes: tuple[str, ...]


@dataclass(frozen=True)
class Undo:
    """The reader's own last move, in words, and until when it can be taken back."""

    did: str
    until: datetime


@dataclass(frozen=True)
class Kept:
    """What somebody typed into a form that could not be carried out: it is shown in the form again.

    Where the case as it is now has no such form any more, it stands in the one for comments, which is always there.
    """

    move: str = ""
    text: str = ""
    until: str = ""
    reason: str = ""


@dataclass(frozen=True)
class CaseView:
    """The page."""

    file: CaseFile
    handoff: Handoff
    clock: display_text.Clock | None
    forms: tuple[Form, ...]
    may_comment: bool
    why_nothing: str
    undo: Undo | None
    risks: tuple[Risk, ...]
    usage: tuple[tuple[Metric, Plot | None], ...]
    health: Plot | None
    compared: tuple[Compared, ...]
    record: tuple[Entry, ...]
    kept: Kept

    @property
    def case(self) -> Case:
        """The case."""
        return self.file.case

    @property
    def name(self) -> str:
        """What the account is called."""
        return self.file.account.name or self.file.account.account_id

    @property
    def headline(self) -> str:
        """The case in one sentence; the page's title has the name already."""
        return sentence(self.case.headline, self.name)

    @property
    def superseded(self) -> bool:
        """Whether there is a newer hand-off than the one that is shown."""
        return self.file.handoff_of != max(self.file.handoffs)

    @property
    def responsible(self) -> str:
        """Who has to act now, in words."""
        if self.case.owner:
            return self.case.owner
        return f"{self.case.responsible}, until somebody claims it" if self.case.responsible else "nobody yet"


def case_view(file: CaseFile, actor: Actor, now: datetime, kept: Kept | None = None) -> CaseView:
    """Put a case file into words for whoever looks at it now."""
    handoff = Handoff.model_validate_json(file.handoff)
    offered = tuple(forms(file.case, actor, People(file.members, file.squads), now.date()))
    return CaseView(
        file=file,
        handoff=handoff,
        clock=display_text.clock(file.case, now),
        forms=offered,
        may_comment=actor.may(Act.COMMENT),
        why_nothing=_why_nothing(file.case, actor),
        undo=_undo(file.events, actor, now),
        risks=tuple(_risk(card, handoff.binding.as_of) for card in handoff.risks),
        usage=tuple(
            (metric, plot(usage_title(metric), usage_points(metric, handoff.binding.as_of), normal=metric.normal))
            for metric in handoff.usage
        ),
        health=plot("Health score", health_points(handoff), top=100.0),
        compared=tuple(_compared(file, handoff, now)),
        record=tuple(
            Entry(event, display_text.event(event.kind), tuple(display_text.changes(event)))
            for event in file.events[::-1]
        ),
        kept=_kept(kept or Kept(), offered, handoff),
    )


def sentence(headline: str, name: str) -> str:
    """A headline for a page whose title has the account's name already."""
    said = headline.removeprefix(f"{name}: ")
    return said[:1].upper() + said[1:]


def usage_points(metric: Metric, as_of: date) -> list[Point]:
    """The weeks of a measure, each at its last day."""
    last = len(metric.weeks) - 1
    days = [as_of - timedelta(days=1 + 7 * (last - place)) for place in range(len(metric.weeks))]
    return [Point(on, value) for on, value in zip(days, metric.weeks, strict=True)]


def usage_title(metric: Metric) -> str:
    """What a measure of use is called, with its unit."""
    said_twice = metric.unit.lower().startswith(metric.title.lower())  # "Actions", in "actions a week"
    return metric.unit.capitalize() if said_twice else f"{metric.title}, {metric.unit}"


def health_points(handoff: Handoff) -> list[Point]:
    """The health scores that the hand-off knows, adjusted ones marked."""
    return [Point(one.measured_on, one.score, one.adjusted) for one in handoff.health]


def _risk(card: RiskCard, as_of: date) -> Risk:
    strongest = max((abs(fact.strength) for fact in card.reasons), default=1.0) or 1.0
    points = [Point(point.as_of, point.probability) for point in card.history]
    history = plot(card.title, [*points, Point(as_of, card.probability)], share=True) if points else None
    reasons = tuple(Reason(fact, _strength(fact), abs(fact.strength) / strongest) for fact in card.reasons)
    return Risk(card, reasons, history)


def _strength(fact: ReasonFact) -> str:
    size = abs(fact.strength)
    word = "strong" if size >= STRONG else "clear" if size >= CLEAR else "slight"
    return f"{word}, lowers the risk" if fact.strength < 0 else word


def _kept(kept: Kept, offered: tuple[Form, ...], handoff: Handoff) -> Kept:
    reasons = {fact.group for card in handoff.risks for fact in card.reasons}
    there = kept.reason in reasons if kept.move == "disagree" else kept.move in {form.move for form in offered}
    return kept if there or not kept.text else replace(kept, move="comment")


def _why_nothing(case: Case, actor: Actor) -> str:
    """What is said where there is no form."""
    if not actor.may(Act.WORK):
        return (
            "You can comment on this case; its squad works it." if actor.may(Act.COMMENT) else "You can read this case."
        )
    return f"This case is {case.owner}’s. Ask for it to be given back, or a lead to reassign it."


def _undo(events: tuple[CaseEvent, ...], actor: Actor, now: datetime) -> Undo | None:
    last = next((event for event in reversed(events) if event.kind not in REMARKS), None)
    if last is None or last.actor != actor.name or last.kind not in set(Move) or not actor.may(Act.WORK):
        return None
    until = last.at + UNDO_FOR
    return Undo(display_text.event(last.kind), until) if transition(Move(last.kind)).undoable and now <= until else None


def _compared(file: CaseFile, handoff: Handoff, now: datetime) -> list[Compared]:
    """Row by row: what the hand-off said, and what the newest night or the queue itself says."""
    account, then = file.account, handoff.contract
    risks = [
        Compared(
            card.title,
            percent(card.probability) if card.probability is not None else "not scored",
            percent(file.scores[card.risk]) if card.risk in file.scores else "not scored",
        )
        for card in handoff.risks
    ]
    points = points_at(file.adjustments, now)
    return [
        *risks,
        Compared("Recurring revenue", amount(handoff.revenue, handoff.currency), amount(account.arr, handoff.currency)),
        Compared("Renewal", day(then.renews_on), day(account.renews_on)),
        Compared("Account's owner", handoff.account.owner or "–", account.owner or "–"),
        Compared("Squad", handoff.raised.squad, file.case.squad),
        Compared("Severity", handoff.raised.severity or "–", file.case.severity or "–"),
        Compared("Health adjusted by verdicts", "–", f"{points:+.1f} points".replace("-", "−") if points else "–"),
    ]
