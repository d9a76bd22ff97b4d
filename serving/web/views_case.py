"""What the case page says: the frozen hand-off, what may be done now, what was done, and what is known since."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from serving.audit import REMARKS
from serving.cases import UNDO_FOR
from serving.handoff import Handoff, Metric, ReasonFact, RiskCard
from serving.handoff_render import amount, day, percent
from serving.ledger import points_at
from serving.permissions import Act, Actor
from serving.store.case_queries import CaseFile
from serving.store.tables import Case, CaseEvent
from serving.transitions import Move, transition
from serving.web import told
from serving.web.forms import Form, People, forms
from serving.web.plots import Plot, Point, plot

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
class Kept:
    """What somebody typed into a form that could not be carried out: it is shown in the form again."""

    move: str = ""
    text: str = ""
    until: str = ""
    reason: str = ""


@dataclass(frozen=True)
class CaseView:
    """The page."""

    file: CaseFile
    handoff: Handoff
    clock: told.Clock | None
    forms: tuple[Form, ...]
    may_comment: bool
    can_undo: bool
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
        said = self.case.headline.removeprefix(f"{self.name}: ")
        return said[:1].upper() + said[1:]

    @property
    def responsible(self) -> str:
        """Who has to act now, in words."""
        if self.case.owner:
            return self.case.owner
        return f"{self.case.responsible}, until somebody claims it" if self.case.responsible else "nobody yet"


def case_view(file: CaseFile, actor: Actor, now: datetime, kept: Kept | None = None) -> CaseView:
    """Put a case file into words for whoever looks at it now."""
    handoff = Handoff.model_validate_json(file.handoff)
    return CaseView(
        file=file,
        handoff=handoff,
        clock=told.clock(file.case, now),
        forms=tuple(forms(file.case, actor, People(file.members, file.squads), now.date())),
        may_comment=actor.may(Act.COMMENT),
        can_undo=_can_undo(file.events, actor, now),
        risks=tuple(_risk(card, handoff.binding.as_of) for card in handoff.risks),
        usage=tuple((metric, usage_plot(metric, handoff.binding.as_of)) for metric in handoff.usage),
        health=health_plot(handoff),
        compared=tuple(_compared(file, handoff, now)),
        record=tuple(Entry(event, told.event(event.kind), tuple(told.changes(event))) for event in file.events[::-1]),
        kept=kept or Kept(),
    )


def usage_plot(metric: Metric, as_of: date) -> Plot | None:
    """Twelve weeks of use against the account's own normal, each week at its last day."""
    last = len(metric.weeks) - 1
    days = [as_of - timedelta(days=1 + 7 * (last - place)) for place in range(len(metric.weeks))]
    points = [Point(on, value) for on, value in zip(days, metric.weeks, strict=True)]
    said_twice = metric.unit.lower().startswith(metric.title.lower())  # "Actions", in "actions a week"
    title = metric.unit.capitalize() if said_twice else f"{metric.title}, {metric.unit}"
    return plot(title, points, normal=metric.normal)


def health_plot(handoff: Handoff) -> Plot | None:
    """The health scores that the hand-off knows, adjusted ones marked."""
    return plot("Health score", [Point(one.measured_on, one.score, one.adjusted) for one in handoff.health], top=100.0)


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


def _can_undo(events: tuple[CaseEvent, ...], actor: Actor, now: datetime) -> bool:
    last = next((event for event in reversed(events) if event.kind not in REMARKS), None)
    if last is None or last.actor != actor.name or last.kind not in set(Move) or not actor.may(Act.WORK):
        return False
    return transition(Move(last.kind)).undoable and now - last.at <= UNDO_FOR


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
