"""What one person does with one case on one day: the next step that a colleague would take, or nothing.

Chance decides, drawn from the demo's seed, the day and the case, so that the same demo has the same history. A step
that the review app refuses, because the case has changed meanwhile, is not taken.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from features.errors import RescueError
from pipelines.demo.demo_team import TEAM, DemoPerson, demo_texts
from pipelines.demo.work_context import WorkContext
from serving.cases.cases import Cases
from serving.cases.casework.contact_entries import ContactDetails
from serving.store.case_states import State
from serving.store.casework.casework_queries import contacts_of
from serving.store.tables import Case

ENOUGH_CONTACT = timedelta(days=8)
"""Nobody closes a case sooner after the first contact."""
RISK_IS_GONE = 0.08
LAST_DAYS, LEFT_TO_DO = 4, 0.75
"""On the last days, most new cases and hand-overs are left for whoever looks at the demo."""
QUIET_IN_PLAN = 0.82
"""The chance that nothing is to be done today for a case whose plan is agreed on."""


@dataclass(frozen=True)
class CaseSteps:
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
        """The step that is due; None where the person does nothing today."""
        state = State(self.case.state)
        if self.random.random() > self.person.diligence:
            return None
        last_days = (self.context.until - self.day).days <= LAST_DAYS
        if state in (State.NEW, State.HANDED_OVER):
            left = last_days and self.random.random() < LEFT_TO_DO
            return None if left else self._begin if state is State.NEW else self._answer
        if self.case.owner != self.person.name or state is State.SNOOZED:
            return None
        if state is State.IN_PLAN and self.random.random() < QUIET_IN_PLAN:
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
        if draw < 0.14 and "success" in self.person.squads:
            return self._hand_over("support")
        if draw < 0.19:
            return self._disagree()
        if draw < 0.25:
            until = self.day + timedelta(days=self.random.randint(2, 5))
            self._cases.snooze(self.case.id, self._actor, self.case.version, until=until, reason=self._text("snooze"))
            return "snooze"
        if draw < 0.33:
            return self._mention()
        if draw > 0.85:
            return self._attempt()
        details = self._contact(self.random.choice(("call", "call", "meeting", "mail")), "reached")
        self._cases.contact(
            self.case.id, self._actor, self.case.version, comment=self._text("contact"), details=details
        )
        self.context.rescued.append(self.case.account_id)
        return "contact"

    def _attempt(self) -> str:
        details = self._contact("call", self.random.choice(("message_left", "not_reached")))
        self._cases.log_contact(self.case.id, self._actor, details=details)
        return "attempt"

    def _contact(self, channel: str, result: str) -> ContactDetails:
        """A contact with one of the people whom the account has."""
        with self._cases.store.reading() as session:
            people = contacts_of(session, self.case.account_id)
        person = self.random.choice(people).contact_id if people else ""
        return ContactDetails(person=person, channel=channel, result=result)

    def _agree(self) -> str:
        if self.random.random() < 0.25:
            return self._remark()
        self._cases.plan(self.case.id, self._actor, self.case.version, plan=self._text("plan"))
        return "plan"

    def _follow_up(self) -> str:
        contacted = self.case.responded_at
        if contacted is not None and self.context.clock() - contacted < ENOUGH_CONTACT:
            return self._remark() if self.random.random() < 0.6 else self._mention()
        return self._remark() if self.random.random() < 0.2 else self._resolve()

    def _resolve(self) -> str:
        verdict = self._verdict()
        place = self.random.randrange(len(demo_texts()[verdict]))
        reasons = demo_texts()["reasons"].get(verdict, [])
        amount = self.case.revenue * 0.8 if verdict is State.SAVED and place == 1 and self.case.revenue else None
        self._cases.resolve(
            self.case.id,
            self._actor,
            self.case.version,
            verdict=verdict,
            comment=demo_texts()[verdict][place],
            reason=reasons[place] if reasons else None,
            amount=amount,
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
