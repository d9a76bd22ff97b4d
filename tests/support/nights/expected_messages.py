"""What a policy's plan says will be sent about one case, without a database: the expectation of the outbox."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from serving.paths.absences import Absence, AbsenceIndex
from serving.paths.calendars import WorkingCalendar, add_duration
from serving.paths.directory import Directory
from serving.paths.duty import Situation
from serving.paths.message_text import sending_time
from serving.paths.path_progress import Advance, PathState, SentStep, advance, next_due
from serving.paths.path_steps import EscalationPath
from serving.paths.protocol import ProtocolEvent, event_notifications, step_notifications
from serving.paths.subjects import Subject
from serving.policy.definition.policy_schema import PolicyFile
from support.nights.generated_paths import (
    Scenario,
)
from support.nights.path_world import CASE, CHANNELS, LEAD, OPENED

Row = tuple[datetime, datetime, str, str, str | None, str, str | None]


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
