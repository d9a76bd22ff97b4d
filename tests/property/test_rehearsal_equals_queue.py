"""A rehearsal equals the queue: the same scenario, played minute by minute through a real queue, gives the same record.

The driver here knows nothing of due times: it runs the timers every minute, as cron does, and lets people act when the
scenario says so. Policies, absences, outages and acts are generated.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from support.nights.night_factory import accounts_of, flag_of, package_of

from features.errors import RescueError
from models.contracts import SCORES
from serving.cases.absence.absence_entries import enter_absence
from serving.cases.cases import Cases
from serving.cases.permissions import SYSTEM, Actor, Role
from serving.cases.sla_timers import run_timers
from serving.nights.case_updates import case_id
from serving.nights.night_lease import Night, begin_night
from serving.nights.policy_record import save_policy_version
from serving.nights.record_night import NightRecord, record_night
from serving.policy.definition.policy_file import Policy
from serving.policy.state.queue_state import Decision
from serving.rehearsal.rehearse import rehearse
from serving.rehearsal.scenario_file import parse_scenario
from serving.store import Store
from serving.store.exchange import Message
from serving.store.tables import CaseEvent

START = datetime.fromisoformat("2026-06-05T13:00")
LENGTH = timedelta(hours=9)
MINUTE = timedelta(minutes=1)
PEOPLE = ("ana", "ben", "cleo", "lou")

POLICY = """
[risks.churn]
enter = 0.5
leave = 0.3
[people.ana]
timezone = "Europe/Berlin"
addresses = {{ mail = "ana@example.com" }}
[people.ben]
addresses = {{ mail = "ben@example.com", slack = "U2" }}
[people.cleo]
[people.lou]
timezone = "America/New_York"
addresses = {{ mail = "lou@example.com" }}
[people.desk]
addresses = {{ mail = "desk@example.com" }}
[roles]
lead = "lou"
vendor = "desk"
{paths}
[[severities]]
name = "only"
respond_hours = "{respond}"
resolve_hours = "7 hours"
responsible = "primary"
accountable = "lead"
informed = ["vendor"]
{escalation}
[squads.care]
skills = ["retention"]
members = ["ana", "ben", "cleo"]
capacity = 3
[squads.tech]
skills = ["technical"]
members = ["cleo", "lou"]
capacity = 3
{protocol}
{forms}
[routing]
fallback = "care"
"""

FORM = '[forms.tech]\nskill = "technical"\n[forms.tech.fields]\nsteps = { label = "Steps tried" }\n'
WAITS = st.sampled_from(["20 minutes", "45 minutes", "2 hours"])


@st.composite
def policies(draw: st.DrawFn) -> str:
    if draw(st.booleans()):
        paths, escalation = "", f"escalate_after_hours = {draw(st.sampled_from(['[1]', '[1, 3]', '[2, 4]']))}"
    else:
        steps = []
        for number, word in enumerate(draw(st.permutations(["primary", "lead", "tertiary"]))):
            after = f'after = "{draw(WAITS)}"\n' if number or draw(st.booleans()) else ""
            repeat = 'repeat = { count = 2, every = "15 minutes" }\n' if draw(st.booleans()) else ""
            steps.append(f'[[paths.p]]\nto = ["{word}"]\n{after}{repeat}')
        steps.append(
            f'[[paths.p]]\nto = ["vendor"]\nafter = "{draw(WAITS)}"\nacknowledge = false\n'
            'message = "{account} {deadline}"\n'
        )
        paths, escalation = "".join(steps), 'path = "p"'
    protocol = draw(
        st.sampled_from(["", "[protocol.contacted]\naccountable = true\n[protocol.opened]\ninformed = false\n"])
    )
    forms = FORM if draw(st.booleans()) else ""
    return POLICY.format(
        paths=paths,
        escalation=escalation,
        respond=draw(st.sampled_from(["1 hour", "5 hours"])),
        protocol=protocol,
        forms=forms,
    )


@dataclass(frozen=True)
class Play:
    """What happens: minutes of acts, an absence, an outage."""

    acts: tuple[tuple[int, str, str], ...]
    absent: str | None
    outage: tuple[int, int] | None
    form: bool = False

    def scenario(self) -> str:
        """The scenario file."""
        parts = [
            f'start = {START.isoformat()}\nlength = "9 hours"\n',
            '[[cases]]\nname = "a000000"\naccount = "Ünit a000000"\nowner = "olga"\nsquad = "care"\nseverity = "only"\n'
            'headline = "a000000 may leave"\nrevenue = 1000\n',
        ]
        answers = 'answers = { steps = "restarted" }\n'
        parts += [
            f'[[acts]]\nat = "{minute} minutes"\nwho = "{who}"\ndo = "{deed}"\n{MORE.get(deed, "")}'
            + (answers if self.form and deed == "hand_over" else "")
            for minute, who, deed in self.acts
        ]
        if self.absent:
            parts.append(f'[[absences]]\nperson = "{self.absent}"\nfirst = 2026-06-01\nlast = 2026-06-20\n')
        if self.outage:
            parts.append(f'[[outages]]\nbegin = "{self.outage[0]} minutes"\nend = "{self.outage[1]} minutes"\n')
        return "\n".join(parts)


MORE = {
    "hand_over": 'squad = "tech"\ntext = "theirs"\n',
    "return": 'text = "not ours"\n',
    "plan": 'text = "call"\n',
    "comment": 'text = "hm"\n',
}
DEEDS = ("acknowledge", "claim", "contact", "plan", "hand_over", "accept", "return", "close", "comment")


@st.composite
def plays(draw: st.DrawFn) -> Play:
    minutes = sorted(draw(st.lists(st.integers(1, 400), max_size=4, unique=True)))
    acts = tuple((minute, draw(st.sampled_from(PEOPLE)), draw(st.sampled_from(DEEDS))) for minute in minutes)
    begin = draw(st.integers(1, 200))
    outage = (begin, begin + draw(st.integers(1, 200))) if draw(st.integers(0, 2)) == 0 else None
    return Play(acts, draw(st.sampled_from([None, "ana", "ben"])), outage)


@pytest.fixture(scope="module")
def empty(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    yield migrated_sqlite, tmp_path_factory.mktemp("queues") / "queue.db"


def examples(count: int) -> settings:
    checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    return settings(max_examples=count, deadline=None, phases=[Phase.generate], suppress_health_check=checks)


@examples(6)
@given(written=policies(), play=plays())
def test_a_rehearsal_equals_the_queue(empty: tuple[Path, Path], written: str, play: Play) -> None:
    assert_equal(empty, written, play)


@pytest.mark.soak
@examples(300)
@given(written=policies(), play=plays())
def test_many_rehearsals_equal_the_queue(empty: tuple[Path, Path], written: str, play: Play) -> None:
    assert_equal(empty, written, play)


def assert_equal(empty: tuple[Path, Path], written: str, play: Play) -> None:
    """Acts that the queue refused have changed nothing: the scenario is the same without them."""
    policy = Policy.parse(written)
    play = replace(play, form=bool(policy.rules.forms))
    with fresh_queue(*empty) as store:
        accepted = run_by_the_minute(store, policy, play)
        record, messages = content_of(store)
    scenario = parse_scenario(replace(play, acts=accepted).scenario(), policy.rules)
    timeline = rehearse(policy, scenario).timeline
    assert [(event.at, event.actor, event.kind, event.comment) for event in timeline.events] == record
    found = [(it.at, it.person, it.channel, it.address, it.kind, it.subject, it.text) for it in timeline.messages]
    assert sorted(found) == messages


def fresh_queue(migrated: Path, path: Path) -> Store:
    for old in path.parent.glob("queue.db*"):
        old.unlink()
    shutil.copy(migrated, path)
    return Store(f"sqlite:///{path}")


def run_by_the_minute(store: Store, policy: Policy, play: Play) -> tuple[tuple[int, str, str], ...]:
    """Open the case with a night, then let cron run every minute; returns the acts that were possible."""
    night = begin_night(store, START.date(), "driver", now=START - timedelta(seconds=1))
    assert isinstance(night, Night)
    flag = flag_of(
        "a000000", as_of=START.date(), squad="care", severity="only", probabilities={}, at_stake=1000.0, priority=0.0
    )
    # people are entered before the night opens the case, as in the scenario
    nothing = NightRecord(
        Decision(START.date(), policy.version), policy.rules, SCORES.empty_table(), accounts_of(["a000000"]), {}
    )
    with store.transaction() as session:
        save_policy_version(session, nothing.decision, policy.rules, START)
    if play.absent:
        first, last = datetime(2026, 6, 1).date(), datetime(2026, 6, 20).date()  # noqa: DTZ001
        enter_absence(store, SYSTEM, play.absent, first, last, reason="absent", now=START)
    decision = Decision(START.date(), policy.version, flags=(flag,))
    packages = {("a000000", "churn"): package_of(flag)}
    record_night(
        store,
        night,
        NightRecord(decision, policy.rules, SCORES.empty_table(), accounts_of(["a000000"]), packages),
        now=START,
    )
    clock = [START]
    cases = Cases(store, clock=lambda: clock[0])
    accepted = []
    for minute in range(1, round(LENGTH / MINUTE) + 1):
        clock[0] = START + minute * MINUTE
        for one in play.acts:
            if one[0] == minute:
                with suppress(RescueError):
                    act(cases, policy, *one[1:])
                    accepted.append(one)
        begin, end = play.outage or (0, 0)
        if not begin <= minute < end:
            run_timers(store, now=clock[0])
    return tuple(accepted)


def act(cases: Cases, policy: Policy, who: str, deed: str) -> None:
    case = case_id("a000000", policy.rules.family("churn"), START.date())
    squad = cases.get(case, SYSTEM).squad
    squads = {"care": {"ana", "ben", "cleo"}, "tech": {"cleo", "lou"}}
    reviewer = who in squads[squad] and who != "lou"
    mine = frozenset(name for name, people in squads.items() if who in people)
    actor = Actor(who, Role.REVIEWER, mine) if reviewer else Actor(who, Role.LEAD, frozenset(squads))
    answers = {"steps": "restarted"} if policy.rules.forms else {}
    deeds: dict[str, Any] = {
        "acknowledge": lambda: cases.acknowledge(case, actor),
        "claim": lambda: cases.claim(case, actor),
        "contact": lambda: cases.contact(case, actor),
        "plan": lambda: cases.plan(case, actor, plan="call"),
        "hand_over": lambda: cases.hand_over(case, actor, squad="tech", reason="theirs", answers=answers),
        "accept": lambda: cases.accept(case, actor),
        "return": lambda: cases.return_to_sender(case, actor, reason="not ours"),
        "close": lambda: cases.resolve(case, actor, verdict="saved", comment="They stay."),
        "comment": lambda: cases.comment(case, actor, text="hm"),
    }
    deeds[deed]()


def content_of(store: Store) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    with store.reading() as session:
        events = session.scalars(select(CaseEvent).order_by(CaseEvent.id)).all()
        record = [(event.at, event.actor, event.kind, event.comment or "") for event in events]
        rows = session.scalars(select(Message)).all()
        messages = [
            (row.next_at, row.person, row.channel, row.recipient, row.kind, row.payload["subject"], row.payload["text"])
            for row in rows
        ]
    return record, sorted(messages)
