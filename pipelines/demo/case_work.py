"""What one person does with one case on one day: the next step that a colleague would take, or nothing.

Chance decides, drawn from the demo's seed, the day and the case, so that the same demo has the same history. A step that
the review app refuses, because the case has changed meanwhile, is not taken.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from features.errors import RescueError
from pipelines.demo.demo_clock import DemoClock
from pipelines.demo.people import TEAM, DemoPerson, demo_texts
from serving.cases.cases import Cases
from serving.store.case_states import State
from serving.store.tables import Case

ENOUGH_CONTACT = timedelta(days=4)
"""Nobody closes a case sooner after the first contact."""
RISK_IS_GONE = 0.08


@dataclass(frozen=True)
class WorkContext:
    """What everybody works with. ``counts`` are the actions taken and ``refused`` those that the app refused."""

    cases: Cases
    clock: DemoClock
    seed: int
    names: Mapping[str, str]
    counts: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    rescued: list[str] = field(default_factory=list)

    def chance(self, *about: object) -> Random:
        """Random numbers that depend on the seed and on these values alone."""
        return Random("|".join(map(str, (self.seed, *about))))  # noqa: S311 - a demo guards nothing


@dataclass(frozen=True)
class CaseWork:
    """One person, one case, one moment."""

    context: WorkContext
    person: DemoPerson
    case: Case
    day: date
    random: Random

    def take_step(self) -> bool:
        """Take the step that is due; whether one was taken."""
        step = self._choose()
        if step is None:
            return False
        self.context.clock.pass_minutes(self.random.uniform(4, 18))
        try:
            kind = step()
        except RescueError as error:
            self.context.refused.append(f"{self.day} {self.person.name}: {error}")
            return False
        self.context.counts[kind] += 1
        return True

    def _choose(self) -> Callable[[], str] | None:
        state = State(self.case.state)
        if self.random.random() > self.person.diligence:
            return None
        if state is State.NEW:
            return self._begin
        if state is State.HANDED_OVER:
            return self._answer
        if self.case.owner != self.person.name or state is State.SNOOZED:
            return None
        return {State.CLAIMED: self._reach, State.CONTACTED: self._agree, State.IN_PLAN: self._follow_up}[state]

    # --- the steps ------------------------------------------------------------------------------------------------

    def _begin(self) -> str:
        if self.case.acknowledged_at is None and self.random.random() < 0.35:
            self._cases.acknowledge(self.case.id, self._actor, self.case.version)
            return "acknowledge"
        self._cases.claim(self.case.id, self._actor, self.case.version)
        return "claim"

    def _answer(self) -> str:
        if self.random.random() < 0.3:
            reason = self._text("returned")
            self._cases.return_to_sender(self.case.id, self._actor, self.case.version, reason=reason)
            return "return"
        self._cases.accept(self.case.id, self._actor, self.case.version)
        return "accept"

    def _reach(self) -> str:
        draw = self.random.random()
        if draw < 0.10 and "success" in self.person.squads:
            return self._hand_over("support")
        if draw < 0.16:
            return self._disagree()
        if draw < 0.22:
            until = self.day + timedelta(days=self.random.randint(2, 5))
            self._cases.snooze(self.case.id, self._actor, self.case.version, until=until, reason=self._text("snooze"))
            return "snooze"
        if draw < 0.27:
            return self._mention()
        self._cases.contact(self.case.id, self._actor, self.case.version, comment=self._text("contact"))
        self.context.rescued.append(self.case.account_id)
        return "contact"

    def _agree(self) -> str:
        if self.random.random() < 0.25:
            return self._remark()
        self._cases.plan(self.case.id, self._actor, self.case.version, plan=self._text("plan"))
        return "plan"

    def _follow_up(self) -> str:
        contacted = self.case.responded_at
        if contacted is not None and self.context.clock() - contacted < ENOUGH_CONTACT:
            return self._remark() if self.random.random() < 0.7 else self._mention()
        return self._remark() if self.random.random() < 0.2 else self._resolve()

    def _resolve(self) -> str:
        verdict = self._verdict()
        self._cases.resolve(
            self.case.id, self._actor, self.case.version, verdict=verdict, comment=self._text(str(verdict))
        )
        return str(verdict)

    def _verdict(self) -> State:
        """A cancellation is seldom turned; where the risk is gone, the team was successful or there never was one."""
        draw = self.random.random()
        if self.case.lane == "leaving":
            return State.LOST if draw < 0.75 else State.SAVED
        if (self.case.probability or 0.0) < RISK_IS_GONE:
            return State.SAVED if draw < 0.7 else State.FALSE_ALARM
        return State.SAVED if draw < 0.55 else State.LOST if draw < 0.8 else State.NO_ACTION

    def _hand_over(self, squad: str) -> str:
        answers = demo_texts()["answers"]
        self._cases.hand_over(
            self.case.id,
            self._actor,
            self.case.version,
            squad=squad,
            reason=self._text("hand_over"),
            answers=answers,
        )
        return "hand_over"

    def _disagree(self) -> str:
        reason = "usage" if self.random.random() < 0.6 else "support"
        self._cases.disagree(self.case.id, self._actor, reason=reason, comment=self._text("disagree"))
        return "disagree"

    def _remark(self) -> str:
        self._cases.comment(self.case.id, self._actor, text=self._text("comment"))
        return "comment"

    def _mention(self) -> str:
        colleagues = [one.name for one in TEAM if one is not self.person and set(one.squads) & set(self.person.squads)]
        who = self.random.choice(colleagues)
        self._cases.comment(self.case.id, self._actor, text=self._text("mention", who=who))
        return "mention"

    # --- helpers --------------------------------------------------------------------------------------------------

    @property
    def _cases(self) -> Cases:
        return self.context.cases

    @property
    def _actor(self) -> Any:
        return self.person.actor

    def _text(self, kind: str, **values: str) -> str:
        texts: Sequence[str] = demo_texts()[kind]
        name = self.context.names.get(self.case.account_id, "the customer")
        return self.random.choice(texts).format(name=name, **values)
