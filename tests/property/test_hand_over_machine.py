"""Cases that change hands: random hand-overs, answers and returns against a model of two squads."""

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from support.nights.night_factory import NOW
from support.nights.people_factory import open_people_cases, people_rules, person

from serving.cases.case_errors import IllegalActionError
from serving.cases.cases import UNDO_FOR, Cases
from serving.cases.handover.form_answers import MissingAnswersError
from serving.cases.permissions import Role
from serving.cases.transitions import is_legal
from serving.store import Store
from serving.store.case_states import Action, State
from serving.store.handover_tables import HandOverRow
from serving.store.queries.case_queries import case_history
from serving.store.tables import Case

FIELDS = {"fields": {"steps": {"label": "Steps"}, "code": {"label": "Code", "required": False}}}
PEOPLE = {"north": "ann", "south": "dan"}
LEAD = {"north": "pat", "south": "eve"}


class HandOverMachine(RuleBasedStateMachine):
    """One worker of each squad; a form is needed for every hand-over."""

    source: Path

    @initialize()
    def open_queue(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "rescue.db"
        shutil.copy(self.source, path)
        self.store = Store(f"sqlite:///{path}")
        self.now = NOW
        self.cases = Cases(self.store, clock=lambda: self.now)
        with self.store.reading() as session:
            self.case = session.query(Case).one().id
        self.state, self.squad = State.NEW, "north"
        self.owner: str | None = None
        self.sender: tuple[str, str] | None = None
        self.stack: list[str] = []
        self.returns = 0
        self.respond_by = self.cases.get(self.case, person("ann")).respond_by

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    def tick(self) -> None:
        self.now += timedelta(minutes=1)

    @rule(steps=st.sampled_from(["", "  ", "restarted"]), code=st.sampled_from(["", "E1"]))
    def hand_over(self, steps: str, code: str) -> None:
        self.tick()
        other = "south" if self.squad == "north" else "north"
        actor = person(self.owner or PEOPLE[self.squad])
        answers = {"steps": steps, "code": code}
        legal = is_legal(self.state, Action.HAND_OVER, State.HANDED_OVER)
        try:
            case = self.cases.hand_over(self.case, actor, squad=other, reason="theirs", answers=answers)
        except MissingAnswersError:
            assert legal and not steps.strip()
            return
        except IllegalActionError:
            assert not legal
            return
        assert legal and steps.strip()
        is_return = bool(self.stack) and self.stack[-1] == other
        if is_return:
            self.stack.pop()
            self.returns += 1
        else:
            self.stack.append(self.squad)
        third = is_return and self.returns >= 3
        self.sender = (self.owner or actor.name, self.squad)
        self.squad = other
        self.owner = LEAD[other] if third else None
        self.state = State.CLAIMED if third else State.HANDED_OVER
        self.respond_by = self.now + timedelta(hours=24)
        assert case.respond_by == self.respond_by

    @rule()
    def accept(self) -> None:
        self.tick()
        try:
            self.cases.accept(self.case, person(self.owner or PEOPLE[self.squad]))
        except IllegalActionError:
            assert self.state != State.HANDED_OVER
            return
        assert self.state == State.HANDED_OVER
        self.state, self.owner = State.CLAIMED, PEOPLE[self.squad]

    @rule(reason=st.sampled_from(["not ours", "no code"]))
    def return_it(self, reason: str) -> None:
        self.tick()
        try:
            case = self.cases.return_to_sender(self.case, person(self.owner or PEOPLE[self.squad]), reason=reason)
        except IllegalActionError:
            assert self.state != State.HANDED_OVER
            return
        assert self.state == State.HANDED_OVER and self.sender is not None
        name, squad = self.sender
        if self.stack and self.stack[-1] == squad:
            self.stack.pop()
            self.returns += 1
            counted = True
        else:
            self.stack.append(self.squad)
            counted = False
        members = {"north": ("ann", "bob", "cid"), "south": ("dan", "eve")}[squad]
        self.owner = LEAD[squad] if counted and self.returns >= 3 else name if name in members else None
        self.state = State.CLAIMED if self.owner else State.NEW
        self.squad = squad
        assert case.respond_by == self.now + timedelta(hours=24)

    @rule()
    def claim(self) -> None:
        self.tick()
        try:
            self.cases.claim(self.case, person(PEOPLE[self.squad]))
        except IllegalActionError:
            assert self.state != State.NEW
            return
        assert self.state == State.NEW
        self.state, self.owner = State.CLAIMED, PEOPLE[self.squad]

    @rule()
    def undo(self) -> None:
        """Claims and acceptances can be undone by who did them; hand-overs and returns cannot."""
        self.tick()
        with self.store.reading() as session:
            last = case_history(session, self.case)[-1]
        try:
            case = self.cases.undo(self.case, person(last.actor))
        except IllegalActionError:
            assert last.kind not in {Action.CLAIM, Action.ACCEPT} or self.now - last.at > UNDO_FOR
            return
        assert last.kind in {Action.CLAIM, Action.ACCEPT}
        self.state, self.owner = State(case.state), case.owner
        assert self.owner is None

    @rule(hours=st.integers(1, 60))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @invariant()
    def the_case_is_as_the_model_says(self) -> None:
        if not hasattr(self, "store"):
            return
        case = self.cases.get(self.case, person("lea", Role.LEAD))
        assert (case.state, case.squad, case.owner) == (self.state, self.squad, self.owner)

    @invariant()
    def a_hand_over_waits_exactly_while_the_case_does(self) -> None:
        if not hasattr(self, "store"):
            return
        with self.store.reading() as session:
            rows = session.query(HandOverRow).order_by(HandOverRow.id).all()
            events = case_history(session, self.case)
        pending = [row for row in rows if row.status == "pending"]
        assert len(pending) == (self.state == State.HANDED_OVER)
        assert not pending or pending[0] is rows[-1]
        assert all((row.answered_at is None) == (row.status == "pending") for row in rows)
        sent = [
            event for event in events if event.kind == "hand_over" and event.after.get("state") == State.HANDED_OVER
        ]
        assert len(sent) == len(rows)
        fields: dict[str, object] = {}
        for event in events:
            assert all(fields.get(name) == value for name, value in event.before.items())
            fields |= event.after
        assert (fields["state"], fields["squad"], fields.get("owner")) == (self.state, self.squad, self.owner)


@pytest.fixture
def one_case(migrated_sqlite: Path, tmp_path: Path) -> Path:
    path = tmp_path / "one.db"
    shutil.copy(migrated_sqlite, path)
    people: dict[str, dict[str, Any]] = {name: {} for name in ("ann", "bob", "cid", "dan", "eve", "pat")}
    with Store(f"sqlite:///{path}") as store:
        open_people_cases(store, rules=people_rules(people=people, forms={"any": FIELDS}))
        store.engine.raw_connection().execute("PRAGMA journal_mode = DELETE")
    return path


@pytest.mark.parametrize(
    ("walks", "steps"), [(6, 40), pytest.param(150, 60, marks=pytest.mark.soak)], ids=["quick", "full"]
)
def test_random_hand_overs_follow_the_model(one_case: Path, walks: int, steps: int) -> None:
    machine = type("Machine", (HandOverMachine,), {"source": one_case})
    limits = settings(
        max_examples=walks, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(machine, settings=limits)
