"""Only allowed transitions: random sequences of actions against the table of transitions."""

import shutil
import tempfile
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from support.nights.night_factory import NIGHT, NOW, flag_of, live_of, names, open_cases, record_of, run

from features.errors import UsageError
from serving.cases.audit import REMARKS
from serving.cases.case_errors import IllegalActionError, StaleCaseError
from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.cases.sla_timers import run_timers
from serving.cases.transitions import actions_from, is_legal, page, transition
from serving.contracts import Lane
from serving.nights.case_updates import case_id
from serving.policy.state.case_status import Closure, ClosureCode, ClosureOutcome
from serving.policy.state.queue_state import Decision, RaiseCode, RaisedAgain, RaiseReason
from serving.store import Store
from serving.store.case_states import CLOSED, OUTCOMES, Action, State
from serving.store.queries.case_queries import case_history
from serving.store.tables import Case

LEA = Actor("lea", Role.LEAD, frozenset({"north", "south"}))
CASE = case_id("a000000", "churn", NIGHT)
WORDS: dict[Action, dict[str, Any]] = {
    Action.PLAN: {"plan": "training"},
    Action.RELEASE: {"reason": "no time"},
    Action.REOPEN: {"reason": "again"},
}


class CaseMachine(RuleBasedStateMachine):
    """A lead who tries every action on one case, and a model that knows only the table."""

    source: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "rescue.db"
        shutil.copy(self.source, path)
        self.store = Store(f"sqlite:///{path}")
        self.now = NOW
        self.cases = Cases(self.store, clock=lambda: self.now)
        self.state, self.version, self.asleep_from = State.NEW, 1, State.NEW

        self.night, self.alarms = NIGHT, {"risk:churn"}
        self.probabilities = {"churn": 0.6, "escalation": 0.2}

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def attempt(self, action: Action, target: State, **words: Any) -> None:
        """Take the action; it has to succeed exactly where the table allows it."""
        source, self.now = self.state, self.now + timedelta(seconds=1)
        try:
            name = {Action.REASSIGN: "assign", Action.RETURN: "return_to_sender"}.get(action, action)
            case = getattr(self.cases, name)(CASE, LEA, self.version, **words)
        except IllegalActionError:
            assert not is_legal(source, action, target)
            return
        assert is_legal(source, action, target)
        assert case.state == target
        self.state, self.version = target, case.version

    @rule(action=st.sampled_from([Action.CLAIM, Action.RELEASE, Action.CONTACT, Action.PLAN, Action.REOPEN]))
    def step(self, action: Action) -> None:
        target = self.work_so_far() if action == Action.CLAIM else transition(action).targets[0]
        self.attempt(action, target, **WORDS.get(action, {}))

    def work_so_far(self) -> State:
        """The state of a case that somebody gets: its contact and its plan stay, if they were not undone."""
        with self.store.reading() as session:
            events = case_history(session, CASE)
        undone = {event.undoes for event in events}
        reopened = max((event.id for event in events if event.kind == Action.REOPEN), default=0)
        if any(event.kind == Action.PLAN and event.id > reopened and event.id not in undone for event in events):
            return State.IN_PLAN
        return State.CONTACTED if self.cases.get(CASE, LEA).responded_at else State.CLAIMED

    @rule(verdict=st.sampled_from(OUTCOMES))
    def resolve(self, verdict: State) -> None:
        self.attempt(Action.RESOLVE, verdict, verdict=verdict, comment="See the notes.")

    @rule(days=st.integers(1, 30))
    def snooze(self, days: int) -> None:
        before = self.state
        self.attempt(Action.SNOOZE, State.SNOOZED, until=self.now.date() + timedelta(days=days), reason="later")
        if self.state == State.SNOOZED and before != State.SNOOZED:
            self.asleep_from = before

    @rule()
    def wake(self) -> None:
        self.attempt(Action.WAKE, self.asleep_from)

    @rule()
    def hand_over(self) -> None:
        here = self.cases.get(CASE, LEA).squad
        with pytest.raises(UsageError, match="already"):
            self.cases.hand_over(CASE, LEA, self.version, squad=here, reason="ours")
        self.attempt(Action.HAND_OVER, State.NEW, squad="south" if here == "north" else "north", reason="theirs")

    @rule()
    def accept(self) -> None:
        self.attempt(Action.ACCEPT, self.work_so_far())

    @rule()
    def return_to_sender(self) -> None:
        """A squad without people gets it as new; the sender here is a lead, who is no member of either squad."""
        self.attempt(Action.RETURN, State.NEW, reason="not ours")

    @rule()
    def assign(self) -> None:
        case = self.cases.get(CASE, LEA)
        members = {"north": ("ann", "bob"), "south": ("dan", "eve")}[case.squad]
        others = [person for person in members if person != case.owner]
        action = Action.ASSIGN if self.state == State.NEW else Action.REASSIGN
        target = self.work_so_far() if self.state == State.NEW else self.state
        self.attempt(action, target, person=others[0])

    @rule()
    def undo(self) -> None:
        with self.store.reading() as session:
            last = [event for event in case_history(session, CASE) if event.kind not in REMARKS][-1]
        try:
            case = self.cases.undo(CASE, LEA, self.version)
        except IllegalActionError:
            return
        assert transition(Action(last.kind)).undoable
        assert case.state == last.before.get("state", self.state)
        self.state, self.version = State(case.state), case.version
        self.asleep_from = State(case.snoozed_from or State.NEW)

    @rule()
    def comment(self) -> None:
        self.cases.comment(CASE, LEA, text="noted")

    @precondition(lambda self: self.version > 1)
    @rule()
    def stale(self) -> None:
        with pytest.raises(StaleCaseError):
            self.cases.claim(CASE, LEA, self.version - 1)

    @rule(hours=st.integers(1, 400))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        run_timers(self.store, now=self.now)
        case = self.cases.get(CASE, LEA)
        if case.state != self.state:
            assert (self.state, case.state) == (State.SNOOZED, self.asleep_from)
        self.state, self.version = State(case.state), case.version

    @rule(
        news=st.sampled_from(["figures", "resolved", "alarm", "expire", "close"]),
        probability=st.floats(0.01, 0.99),
        lane=st.sampled_from(["at_risk", "leaving"]),
    )
    def a_night_runs(self, news: str, probability: float, lane: str) -> None:
        """The policy decides about the case as it is; a closed case is in no decision but may come as a late one."""
        self.night = max(self.night, self.now.date()) + timedelta(days=1)
        self.now = max(self.now, datetime.combine(self.night, time(5)))
        was_open = self.state not in CLOSED
        self._record(news, probability, lane)
        case = self.cases.get(CASE, LEA)
        if not was_open:
            assert (case.state, case.version) == (self.state, self.version)
            return
        self._expect(news, case, probability)
        self.state, self.version = State(case.state), case.version
        self.asleep_from = State(case.snoozed_from or State.NEW)

    def _record(self, news: str, probability: float, lane: str) -> None:
        figures = live_of(CASE, "a000000", probabilities={"churn": probability}, lane=Lane(lane))
        parts: dict[str, Any] = {"live": (figures,)}
        if news == "resolved":
            parts["live"] = (figures._replace(resolved=ClosureCode.RENEWED, resolved_on=self.night),)
        elif news == "alarm":
            flag = flag_of("a000000", 1, self.night, alarms=("risk:churn", "cancellation"))
            reason = RaiseReason(RaiseCode.ALARM, "normal", "normal", 0.6, 0.6, ("cancellation",))
            parts["raised_again"] = (RaisedAgain(CASE, flag, reason),)
        elif news in {"expire", "close"}:
            outcome = ClosureOutcome.EXPIRED if news == "expire" else ClosureOutcome.LOST
            parts = {"closures": (Closure(CASE, "a000000", outcome, ClosureCode.LEFT, self.night, state=self.state),)}
        run(self.store, record_of(names(1), Decision(self.night, "p1", **parts), channels=()), self.now)

    def _expect(self, news: str, case: Case, probability: float) -> None:
        if news in {"expire", "close"}:
            action = Action.EXPIRE if news == "expire" else Action.CLOSE
            closed = self.state in transition(action).sources
            assert (case.state in CLOSED) == closed
            assert (case.closure is not None) == closed
            return
        self.probabilities = {"churn": probability}
        if news == "alarm":
            self.alarms.add("cancellation")
        assert case.live_on == self.night
        assert (case.resolved is not None) == (news == "resolved")
        assert case.alarms.keys() == self.alarms

    @invariant()
    def the_case_is_consistent(self) -> None:
        case = self.cases.get(CASE, LEA)
        assert (case.state, case.version) == (self.state, self.version)
        assert (case.closed_at is not None) == (self.state in CLOSED)
        assert (case.snoozed_until is not None) == (self.state == State.SNOOZED)
        assert case.owner is not None or self.state in {State.NEW, State.SNOOZED} or case.closure is not None

    @invariant()
    def the_scores_repeat_the_case(self) -> None:
        case = self.cases.get(CASE, LEA)
        assert case.probabilities == self.probabilities
        assert {score.priority for score in case.scores.values()} == {case.priority}
        assert {score.is_open for score in case.scores.values()} == {case.closed_at is None}

    @invariant()
    def the_record_explains_the_state(self) -> None:
        with self.store.reading() as session:
            events = case_history(session, CASE)
        fields: dict[str, Any] = {}
        for event in events:
            assert all(fields.get(name) == value for name, value in event.before.items())
            fields |= event.after
        assert fields["state"] == self.state
        changes = [event for event in events if event.kind not in REMARKS]
        assert [event.version for event in changes] == list(range(1, len(changes) + 1))


@pytest.fixture
def one_case(migrated_sqlite: Path, tmp_path: Path) -> Path:
    path = tmp_path / "one.db"
    shutil.copy(migrated_sqlite, path)
    with Store(f"sqlite:///{path}") as store:
        open_cases(store, 1)
        store.engine.raw_connection().execute("PRAGMA journal_mode = DELETE")  # the copies need no log beside them
    return path


@pytest.mark.parametrize(
    ("walks", "steps"), [(8, 50), pytest.param(200, 50, marks=pytest.mark.soak)], ids=["quick", "full"]
)
def test_random_actions_follow_the_table(one_case: Path, walks: int, steps: int) -> None:
    machine = type("Machine", (CaseMachine,), {"source": one_case})
    limits = settings(
        max_examples=walks, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(machine, settings=limits)


def test_every_state_can_be_left_but_a_loss_only_by_a_lead() -> None:
    assert [state for state in State if not actions_from(state, LEA)] == []
    reviewer = Actor("rea", Role.REVIEWER, LEA.squads)
    assert [state for state in State if not actions_from(state, reviewer)] == [State.LOST]


def test_the_page_is_generated_from_the_table(root: Path) -> None:
    assert (root / "docs" / "case-states.md").read_text() == page()
