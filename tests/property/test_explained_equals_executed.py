"""Explained equals executed: what a policy says will be sent is what the outbox contains, under a simulated clock.

Policies are generated (people, calendars, rotas, absences, paths, protocols), and so are the actions of people and the
down-times of the timers. The expectation has no database: it is the plan of the policy, moved by the same actions.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from support.nights.path_world import CASE, CHANNELS, LEAD, OPENED, PathWorld, rules_text

from features.errors import RescueError
from serving.paths.absences import Absence, AbsenceIndex
from serving.paths.calendars import WorkingCalendar, add_duration
from serving.paths.directory import Directory
from serving.paths.duty import Situation
from serving.paths.message_text import sending_time
from serving.paths.path_plan import plan_path
from serving.paths.path_progress import Advance, PathState, SentStep, advance, next_due
from serving.paths.path_steps import EscalationPath
from serving.paths.protocol import ProtocolEvent, event_notifications, step_notifications
from serving.paths.subjects import Subject
from serving.policy.definition.escalation_matrix import path_timeline
from serving.policy.definition.explanation import explain
from serving.policy.definition.policy_file import Policy, PolicyError
from serving.policy.definition.policy_schema import PolicyFile

PEOPLE = ("ann", "bob", "cid", "eve", "fay", "lia", "max")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata")
WORDS = (
    *("primary", "secondary", "tertiary", "responsible", "accountable", "account owner", "informed"),
    *("support lead", "engineering", "max", "cid", "noc@vendor.example"),
)
CLOCK = ("20 minutes", "1 hour", "5 hours", "30 hours")
WORKING = ("2 working hours", "1 working day")
PARTIES = ("responsible", "accountable", "consulted", "informed", "account_owner", "receiving_squad", "vendor")
END = OPENED + timedelta(days=12)

Row = tuple[datetime, datetime, str, str, str | None, str, str | None]


@dataclass(frozen=True)
class Scenario:
    """A policy and what happens to its people and to the case."""

    text: str
    absent: dict[str, tuple[date, date]]
    disabled: tuple[str, ...]
    actions: tuple[tuple[float, str], ...]


@st.composite
def scenarios(draw: st.DrawFn, *, with_actions: bool) -> Scenario:
    """A valid policy of a team with an escalation path; with actions of people and outages of the timers."""
    calendar = draw(st.sampled_from(["", "mon-fri 09:00-17:00", "mon-sat 10:00-13:00 14:00-19:00"]))
    parts = [_person(draw, name) for name in PEOPLE]
    leads = draw(st.sampled_from(["lia", "engineering", "ann", ["max", "bob"]]))
    parts.append(f"[roles]\n'support lead' = {_toml(leads)}\n'architect' = 'max'")
    if draw(st.booleans()):
        parts.append("'account executive' = 'fay'")
    if calendar:
        zone = draw(st.sampled_from(ZONES))
        parts.append(f"[calendars.office]\ntimezone = '{zone}'\nhours = ['{calendar}']")
    rotation = draw(st.sampled_from(["", "weekly", "daily"]))
    if rotation:
        parts.append(f"[squads.support.duty]\nrotation = '{rotation}'")
    parts += [_step(draw, "p", place, bool(calendar)) for place in range(draw(st.integers(1, 5)))]
    if draw(st.booleans()):
        parts.append("then = 'q'")
        parts += [_step(draw, "q", 1, bool(calendar)) for _ in range(draw(st.integers(1, 2)))]
    for name in draw(st.lists(st.sampled_from([e.value for e in ProtocolEvent][:10]), unique=True, max_size=4)):
        parts.append(_protocol(draw, name))
    absent = {
        name: (OPENED.date() + timedelta(days=first), OPENED.date() + timedelta(days=first + length))
        for name, first, length in draw(
            st.lists(st.tuples(st.sampled_from(PEOPLE), st.integers(-2, 4), st.integers(0, 3)), max_size=2)
        )
    }
    disabled = tuple(draw(st.lists(st.sampled_from(PEOPLE[:5]), unique=True, max_size=1)))
    squad = "calendar = 'office'" if calendar else ""
    text = rules_text("\n".join(parts), "path = 'p'", squad)
    actions = tuple(draw(st.lists(st.tuples(_HOURS, st.sampled_from(ACTIONS)), max_size=7))) if with_actions else ()
    return Scenario(text, absent, disabled, actions)


_HOURS = st.sampled_from([0.1, 0.4, 1.0, 3.5, 8.0, 26.0])
ACTIONS = ("acknowledge", "claim", "assign", "hand over", "snooze", "contact", "resolve", "reopen", "outage", "wait")


def _person(draw: st.DrawFn, name: str) -> str:
    words = draw(st.lists(st.sampled_from(["mail", "chat", "slack"]), unique=True, max_size=2))
    addresses = ", ".join(f"{word} = '{name}@{word}.example'" for word in words)
    return f"[people.{name}]\ntimezone = '{draw(st.sampled_from(ZONES))}'\naddresses = {{ {addresses} }}"


def _step(draw: st.DrawFn, name: str, place: int, working: bool) -> str:
    lines = [f"[[paths.{name}]]", f"to = {_toml(draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=2)))}"]
    if place or draw(st.booleans()):
        lines.append(f"after = '{draw(st.sampled_from((*CLOCK, *WORKING) if working else CLOCK))}'")
    channels = draw(st.sampled_from([[], [], ["mail"], ["hook", "mail"]]))
    if channels:
        lines.append(f"channels = {_toml(channels)}")
    if draw(st.integers(0, 3)) == 0:
        lines.append("acknowledge = false")
    if draw(st.integers(0, 2)) == 0:
        lines.append(f"repeat = {{ count = {draw(st.integers(1, 3))}, every = '{draw(st.sampled_from(CLOCK[:2]))}' }}")
    return "\n".join(lines)


def _protocol(draw: st.DrawFn, name: str) -> str:
    parties = draw(st.lists(st.sampled_from(PARTIES), unique=True, max_size=4))
    lines = [f"[protocol.{name}]"]
    lines += [
        f"{party} = {draw(st.sampled_from(['true', _toml(['mail']), _toml(['hook', 'chat'])]))}" for party in parties
    ]
    daily = [party for party in parties if draw(st.integers(0, 3)) == 0]
    return "\n".join([*lines, f"daily = {_toml(daily)}"] if daily else lines)


def _toml(value: Any) -> str:
    return repr(list(value)) if isinstance(value, list | tuple) else repr(value)


@dataclass
class Expectation:
    """The case as the policy's plan says it is, without a database; ``rows`` are the messages that follow."""

    rules: PolicyFile
    directory: Directory
    rows: list[Row] = field(default_factory=list)
    squad: str = "support"
    owner: str | None = None
    tiers: list[str] = field(default_factory=list)
    state: PathState = field(default_factory=lambda: PathState(since=OPENED))
    contacted: bool = False
    closed: bool = False
    snoozed_until: date | None = None
    respond_by: datetime | None = OPENED + timedelta(hours=4)
    resolve_by: datetime | None = OPENED + timedelta(hours=48)
    late: set[str] = field(default_factory=set)

    @property
    def path(self) -> EscalationPath:
        return self.rules.path_of("normal", self.squad)

    @property
    def responsible(self) -> str | None:
        return self.owner or (self.tiers[-1] if self.tiers else None)

    @property
    def runs(self) -> bool:
        return not self.closed and self.respond_by is not None and self.snoozed_until is None

    def calendar(self, person: str | None) -> WorkingCalendar | None:
        return self.directory.roster.calendar_of(person, self.squad)

    def subject(self, actor: str = "") -> Subject:
        row = self.rules.severities[0]
        return Subject(
            id=CASE,
            title="",
            squad=self.squad,
            severity="normal",
            opened_at=OPENED,
            responsible=self.responsible,
            account_owner="olga",
            respond_by=self.respond_by,
            resolve_by=self.resolve_by,
            accountable=(row.accountable,),
            consulted=row.consulted,
            informed=row.informed,
            reached=tuple(dict.fromkeys((*self.tiers, *self.state.reached))),
            actor=actor,
        )

    def now_state(self) -> PathState:
        return replace(self.state, responsible=self.responsible, reached=self.subject().reached)

    def due(self) -> datetime | None:
        """The next instant at which something happens by itself."""
        times = [next_due(self.path, self.now_state(), self.calendar(self.responsible))] if self.runs else []
        if self.snoozed_until is None and not self.closed:
            times += [
                None if "respond" in self.late else self.respond_by,
                None if "resolve" in self.late else self.resolve_by,
            ]
        if self.snoozed_until is not None:
            times.append(datetime.combine(self.snoozed_until, datetime.min.time()))
        return min((time for time in times if time is not None), default=None)

    def tick(self, now: datetime) -> None:
        if self.snoozed_until is not None and self.snoozed_until <= now.date():
            self.snoozed_until = None
        if self.runs:
            calendar = self.calendar(self.responsible)
            due = next_due(self.path, self.now_state(), calendar)
            if due is not None and due <= now:
                self._take(advance(self.path, self.now_state(), self.subject(), self.directory, calendar, now), now)
        self._breach(now)

    def _take(self, result: Advance, now: datetime) -> None:
        named = any(entry.person for step in result.skipped for entry in step.left_out)
        self._apply(result)
        if result.sent is not None and result.sent.repeat:
            self.announce(ProtocolEvent.ESCALATED, now, "rescue", result.sent, only_step=True)
        elif result.sent is not None or named:
            self.announce(ProtocolEvent.ESCALATED, now, "rescue", result.sent)

    def _apply(self, result: Advance) -> None:
        before, person, begins = self.responsible, result.state.responsible, self.state.step < 0
        if begins and self.owner is None:
            self.tiers = [person] if person else []
        elif person is not None and person != before:
            self.tiers = [*self.tiers, person]
        if self.owner is not None:
            self.owner = person
        self.state = replace(result.state, responsible=None)

    def _breach(self, now: datetime) -> None:
        if self.closed or self.snoozed_until is not None:
            return
        due = {"respond": self.respond_by, "resolve": self.resolve_by}
        missed = {name for name, at in due.items() if at is not None and at <= now} - self.late
        if missed:
            self.late |= missed
            self.announce(ProtocolEvent.SLA_BREACHED, now, "rescue")

    def announce(
        self, kind: ProtocolEvent, at: datetime, actor: str, sent: SentStep | None = None, only_step: bool = False
    ) -> None:
        asks = step_notifications(sent.readers, self.path.steps[sent.step].channels, self.directory) if sent else ()
        told = (
            ()
            if only_step
            else event_notifications(
                kind,
                self.subject(actor),
                self.rules.full_protocol,
                self.directory,
                at,
                {(notification.reader.name, notification.channel) for notification in asks},
            )
        )
        for notification in (*asks, *told):
            send_at = sending_time(self.subject(actor), kind, notification, at)
            party = notification.party.value if notification.party else None
            self.rows.append(
                (
                    at,
                    send_at,
                    notification.reader.name,
                    notification.channel,
                    notification.address,
                    f"case.{kind}",
                    party,
                )
            )

    def restart(self, now: datetime) -> SentStep | None:
        self.state, self.tiers = PathState(since=now), []
        result = advance(self.path, self.now_state(), self.subject(), self.directory, self.calendar(None), now)
        if result.sent is not None or result.ended:
            self._apply(result)
        return result.sent

    def act(self, action: str, now: datetime) -> None:
        """What an action of the lead does to the plan; the queue has accepted it."""
        word, _, person = action.partition(" to ")
        if word in {"claim", "assign"}:
            self.owner = person or LEAD.name
            if word == "assign":
                self.announce(ProtocolEvent.ASSIGNED, now, LEAD.name)
        elif word != "wait":
            getattr(self, word.replace(" ", "_"))(now)

    def acknowledge(self, _now: datetime) -> None:
        self.state = replace(self.state, acknowledged=True)
        if self.owner is None and self.responsible != LEAD.name:
            self.tiers = [*self.tiers, LEAD.name]
            self.state = replace(self.state, reached=(*self.state.reached, LEAD.name))

    def hand_over(self, now: datetime) -> None:
        if self.owner is not None:
            self.respond_by = add_duration(now, self.rules.severities[0].respond_hours, None)
            self.late -= {"respond"}
        self.squad = "engineering" if self.squad == "support" else "support"
        self.owner = None
        self.announce(ProtocolEvent.HANDED_OVER, now, LEAD.name, self.restart(now))

    def snooze(self, now: datetime) -> None:
        self.snoozed_until = now.date() + timedelta(days=2)
        length = datetime.combine(self.snoozed_until, datetime.min.time()) - now
        self.state = replace(self.state, since=self.state.since + length)
        self.respond_by = self.respond_by and self.respond_by + length
        self.resolve_by = self.resolve_by and self.resolve_by + length

    def contact(self, now: datetime) -> None:
        self.respond_by, self.contacted = None, True
        self.announce(ProtocolEvent.CONTACTED, now, LEAD.name)

    def resolve(self, now: datetime) -> None:
        self.closed, self.respond_by, self.resolve_by = True, None, None
        self.announce(ProtocolEvent.RESOLVED, now, LEAD.name)

    def reopen(self, now: datetime) -> None:
        self.closed, self.owner = False, LEAD.name
        self.respond_by = None if self.contacted else now + timedelta(hours=4)
        self.resolve_by, self.late = now + timedelta(hours=48), set()
        repeat = self.path.steps[0].repeat  # the first step is not sent, so it is not sent again
        self.state = PathState(since=now, step=0, repeats=repeat.count if repeat else 0, reached=(LEAD.name,))
        self.announce(ProtocolEvent.REOPENED, now, LEAD.name)


def expectation(scenario: Scenario, rules: PolicyFile) -> Expectation:
    """The plan of the opened case."""
    spans = [
        Absence(
            name, datetime.combine(a, datetime.min.time()), datetime.combine(b + timedelta(days=1), datetime.min.time())
        )
        for name, (a, b) in scenario.absent.items()
    ]
    situation = Situation(frozenset(scenario.disabled), AbsenceIndex(spans))
    expected = Expectation(rules, Directory(rules.roster, situation, CHANNELS))
    expected.announce(ProtocolEvent.OPENED, OPENED, "rescue", expected.restart(OPENED))
    return expected


def rows_of(world: PathWorld) -> list[Row]:
    """The messages to people in the outbox."""
    return [
        (sent.at, sent.row.next_at, sent.person, sent.channel, sent.row.recipient, sent.kind, sent.party)
        for sent in world.sent()
    ]


def do(world: PathWorld, expected: Expectation, action: str) -> str | None:
    """Do an action in the queue; its name for the expectation, None where the queue refuses it."""
    other = "engineering" if expected.squad == "support" else "support"
    person = "cid" if expected.squad == "support" else "fay"
    until = world.now.date() + timedelta(days=2)
    words: dict[str, dict[str, Any]] = {
        "assign": {"person": person},
        "hand over": {"squad": other, "reason": "x"},
        "snooze": {"until": until, "reason": "x"},
        "resolve": {"verdict": "saved", "comment": "They stay."},
        "reopen": {"reason": "x"},
    }
    if action == "wait" or (action == "hand over" and [row.kind for row in world.history()].count("hand_over") >= 3):
        return None  # a fourth hand-over would be the third return, which gives the case to the accountable person
    try:
        getattr(world.cases, action.replace(" ", "_"))(CASE, LEAD, **words.get(action, {}))
    except RescueError:
        return None
    return f"assign to {person}" if action == "assign" else action


def follow(world: PathWorld, expected: Expectation, until: datetime) -> None:
    """Both run whenever something is due."""
    while (due := expected.due()) is not None and due <= until:
        at = max(due, world.now)
        world.tick(at)
        expected.tick(at)
    world.run_until(until)


def check(scenario: Scenario, source: Path) -> None:
    """Play the scenario in the queue and in the plan, and compare the messages."""
    rules = Policy.parse(scenario.text, channels=CHANNELS).rules
    with TemporaryDirectory() as folder:
        world = PathWorld.open(source, Path(folder), scenario.text, absent=scenario.absent, disabled=scenario.disabled)
        try:
            expected = expectation(scenario, rules)
            for hours, action in scenario.actions:
                at = world.now + timedelta(hours=hours)
                if action == "outage":
                    world.tick(at)
                    expected.tick(at)
                    continue
                follow(world, expected, at)
                done = do(world, expected, action)
                if done is not None:
                    event(f"action {action}")
                    expected.act(done, world.now)
            follow(world, expected, max(END, world.now))
            assert rows_of(world) == sorted(rows_of(world), key=lambda row: row[0])
            assert sorted(rows_of(world), key=str) == sorted(expected.rows, key=str)
            _check_texts(world)
        finally:
            world.close()


def _check_texts(world: PathWorld) -> None:
    """Each message names the account and, for the team, the link; nothing in it is for machines."""
    for sent in world.sent():
        assert "Ünit a000000" in sent.text
        assert ("https://rescue.example/case/" + CASE in sent.text) == ("@" not in sent.person)
        assert not re.search(r"\d{4}-\d\d-\d\dT|case\.[a-z]|\{|0\.\d{3}", sent.text)


def check_explanation(scenario: Scenario, source: Path) -> None:
    """The line of `rescue policy explain` names each message of the path at its time, and no other."""
    policy = Policy.parse(scenario.text, channels=CHANNELS)
    line = next(
        line for line in explain(policy, CHANNELS).splitlines() if line.startswith("  - support, normal, path p")
    )
    calendar = policy.rules.calendar_of("support")
    explained = re.findall(r"(?=\b(\w{3} \d\d:\d\d) ((?:(?!; (?:after \d+ days: )?\w{3} \d\d:\d\d).)*))", line)
    with TemporaryDirectory() as folder:
        world = PathWorld.open(source, Path(folder), scenario.text)
        try:
            world.run_until(OPENED + timedelta(days=60))
            sent = world.sent(steps=True)
        finally:
            world.close()
    for message in sent:
        local = calendar.local(message.at) if calendar else message.at
        reader = f"the {message.person}" if message.person == "account executive" else message.person
        texts = [text for at, text in explained if at == f"{local:%a %H:%M}"]
        assert any(f"{reader} (" in text and message.channel in text for text in texts), (message, line)
    directory = Directory(policy.rules.roster, channels=CHANNELS)
    steps = policy.rules.path_of("normal", "support").steps
    planned = [row.sent for row in path_timeline(policy.rules, "support", "normal", OPENED, directory) if row.sent]
    routed = sum(len(step_notifications(sent.readers, steps[sent.step].channels, directory)) for sent in planned)
    assert routed == len(sent)


LIMITS: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.explicit, Phase.generate],  # to shrink a scenario of this size takes many minutes
}


def _valid(scenario: Scenario) -> bool:
    """Whether the policy is; the owner of the account, whom the policy does not know, is in no explanation."""
    if not scenario.actions and "account owner" in scenario.text:
        return False
    try:
        Policy.parse(scenario.text, channels=CHANNELS)
    except PolicyError:
        return False
    return True


@pytest.mark.parametrize(
    ("policies", "kind"),
    [
        (20, "actions"),
        (15, "explained"),
        pytest.param(1000, "actions", marks=pytest.mark.soak),
        pytest.param(500, "explained", marks=pytest.mark.soak),
    ],
)
def test_what_is_explained_is_what_is_sent(policies: int, kind: str, migrated_sqlite: Path) -> None:
    with_actions = kind == "actions"

    @settings(max_examples=policies, **LIMITS)
    @given(scenarios(with_actions=with_actions).filter(_valid))
    def compare(scenario: Scenario) -> None:
        if with_actions:
            check(scenario, migrated_sqlite)
        else:
            check_explanation(scenario, migrated_sqlite)

    compare()


def test_the_plan_is_the_policy_alone() -> None:
    """The plan needs no database: two calls give the same steps."""
    rules = Policy.parse(rules_text("[[paths.p]]\nto = 'primary'\n", "path = 'p'")).rules
    directory = Directory(rules.roster)
    subject = Subject(id="", title="", squad="support", severity="normal", opened_at=OPENED)
    first = list(plan_path(rules.path_named("p"), PathState(since=OPENED), subject, directory, None))
    assert [(step.at, step.responsible) for step in first] == [(OPENED, "ann")]
