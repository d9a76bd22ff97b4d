"""Play a scenario: at each instant somebody acts, or the timers run, through the code that runs every day.

The timers run at every instant at which they have something to do, except in an outage. At one instant, people act
before the timers. What the queue then contains is the rehearsal: there is no second implementation that could differ.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from features.errors import RescueError
from serving.cases.cases import Cases
from serving.cases.path_executor import next_due_of
from serving.cases.sla_timers import run_timers
from serving.incidents.incident_actions import Incidents
from serving.incidents.run_incidents import next_incident_due, run_incidents
from serving.paths.message_settings import MessageSettings
from serving.policy.definition.policy_file import Policy
from serving.policy.definition.toml_lines import Path as Place
from serving.rehearsal.rehearsal_queue import RehearsalQueue, open_rehearsal_queue
from serving.rehearsal.scenario_file import Scenario, ScenarioError
from serving.rehearsal.scenario_schema import ScenarioAct, ScenarioSignals
from serving.rehearsal.timeline import Timeline, TimelineReader
from serving.store.tables import Case

MINUTE = timedelta(minutes=1)
MOST_IDLE_RUNS = 100
"""After so many runs of the timers in a row that changed nothing, they have nothing to do before somebody acts."""

NO_REASON = "no reason is given in the scenario"


class Cue(NamedTuple):
    """Something of the scenario at an instant; ``place`` is where the scenario says so."""

    at: datetime
    place: Place
    play: Callable[[datetime], None]


@dataclass(frozen=True)
class Rehearsal:
    """A scenario that was played with a version of a policy."""

    scenario: Scenario
    policy: Policy
    timeline: Timeline
    ended: datetime


def rehearse(
    policy: Policy, scenario: Scenario, messages: MessageSettings | None = None, channels: tuple[str, ...] = ()
) -> Rehearsal:
    """Play a scenario on an empty queue.

    ``messages`` is what messages need from the settings, and ``channels`` get every event of a case.

    Raises:
        ScenarioError: an act is not possible when it happens; the message says why.
    """
    with open_rehearsal_queue(policy, scenario, messages or MessageSettings(), channels) as queue:
        player = _Player(queue)
        player.play()
        return Rehearsal(scenario, policy, player.reader.timeline, player.now)


class _Player:
    """Plays the cues of a scenario, and lets the timers run between them."""

    def __init__(self, queue: RehearsalQueue) -> None:
        self.queue, self.scenario = queue, queue.scenario
        self.now = self.scenario.start
        self.reader = TimelineReader(queue.store)
        self.cases = Cases(queue.store, clock=lambda: self.now)
        self.incidents = Incidents(
            queue.store, clock=lambda: self.now, rules=queue.policy.rules, channels=queue.channels
        )
        self.ran: datetime | None = None
        self.idle = 0

    def play(self) -> None:
        """Play until nothing is left to do, or the scenario ends."""
        cues = sorted(self._cues(), key=lambda cue: cue.at)
        while True:
            due, cue = self._due(), cues[0] if cues else None
            if cue is not None and (due is None or cue.at <= due):
                if cue.at > self.scenario.end:
                    return
                self.now = cue.at
                self._act(cues.pop(0))
                self.idle = 0
            elif due is not None and due <= self.scenario.end:
                self.now = self.ran = due
                run_timers(self.queue.store, now=due, channels=self.queue.channels)
                run_incidents(self.queue.store, self.queue.policy, now=due, channels=self.queue.channels)
            else:
                return
            self.idle = 0 if self.reader.read(self.now) else self.idle + 1

    def _due(self) -> datetime | None:
        """When the timers run next; they run again at an instant only where something is due that was not before."""
        with self.queue.store.reading() as session:
            instants = [at for at in (next_due_of(session), next_incident_due(session)) if at is not None]
        if not instants:
            return None
        due = max(min(instants), self.now)
        if due == self.ran:
            due += MINUTE
        for begin, end in sorted(self._outages()):
            due = end if begin <= due < end else due
        return due if self.idle < MOST_IDLE_RUNS else None

    def _outages(self) -> Iterator[tuple[datetime, datetime]]:
        for number, outage in enumerate(self.scenario.file.outages):
            begin = self.scenario.at(("outages", number, "begin"), outage.begin)
            yield begin, self.scenario.at(("outages", number, "end"), outage.end)

    def _act(self, cue: Cue) -> None:
        try:
            cue.play(cue.at)
        except RescueError as error:
            if isinstance(error, ScenarioError):
                raise
            raise self.scenario.error(cue.place, f"at {self._local(cue.at)} this is not possible: {error}") from None

    def _local(self, at: datetime) -> str:
        return f"{at.replace(tzinfo=UTC).astimezone(self.scenario.zone):%a %H:%M}"

    def _cues(self) -> Iterator[Cue]:
        scenario, file = self.scenario, self.scenario.file
        for number, absence in enumerate(file.absences):
            place: Place = ("absences", number)
            at = scenario.at((*place, "at"), absence.at)
            yield Cue(at, place, lambda now, row=absence: self.queue.enter(row, now))  # type: ignore[misc]
        for number, case in enumerate(file.cases):
            place = ("cases", number)
            at = scenario.at((*place, "at"), case.at)
            yield Cue(at, place, lambda now, row=case: self.queue.open_case(row, now))  # type: ignore[misc]
        for number, series in enumerate(file.signals):
            yield from self._signals(number, series)
        for number, act in enumerate(file.acts):
            place = ("acts", number)
            at = scenario.at((*place, "at"), act.at)
            yield Cue(at, place, lambda _now, row=act, at_place=place: self._deed(row, at_place))  # type: ignore[misc]

    def _signals(self, number: int, series: ScenarioSignals) -> Iterator[Cue]:
        first = self.scenario.at(("signals", number, "at"), series.at)
        step = timedelta(hours=series.every.usual_hours) if series.every else timedelta()
        groups = [[place] for place in range(series.count)] if step else [list(range(series.count))]
        for places in groups:

            def receive(now: datetime, arrived: Sequence[int] = places) -> None:
                self.queue.receive(number, series, arrived, now)

            yield Cue(first + places[0] * step, ("signals", number), receive)

    def _deed(self, act: ScenarioAct, place: Place) -> None:
        if act.incident is not None:
            self._on_incident(act, act.incident, place)
            return
        name = act.case or self.scenario.file.cases[0].name
        case_id = self.queue.case_id(name)
        with self.queue.store.reading() as session:
            case = session.get(Case, case_id)
        if case is None:
            raise self.scenario.error(place, f"the case {name!r} is not open yet")
        self._on_case(act, case_id, case.squad)

    def _on_incident(self, act: ScenarioAct, name: str, place: Place) -> None:
        incident = self.queue.incident_id(name)
        if incident is None:
            raise self.scenario.error(place, f"there is no incident {name!r} at {self._local(self.now)}")
        rule = self.queue.policy.rules.incidents[name]
        actor = self.queue.actor(act.who, rule.squad or self.queue.policy.rules.routing.fallback)
        if act.do == "acknowledge":
            self.incidents.acknowledge(incident, actor)
        elif act.do == "close":
            self.incidents.resolve(incident, actor, comment=act.text or "")
        else:
            self.incidents.comment(incident, actor, text=act.text or NO_REASON)

    def _on_case(self, act: ScenarioAct, case_id: str, squad: str) -> None:
        actor, text = self.queue.actor(act.who, squad), act.text or NO_REASON
        cases = self.cases
        deeds: dict[str, Callable[[], object]] = {
            "acknowledge": lambda: cases.acknowledge(case_id, actor, comment=act.text),
            "claim": lambda: cases.claim(case_id, actor),
            "accept": lambda: cases.accept(case_id, actor),
            "return": lambda: cases.return_to_sender(case_id, actor, reason=text),
            "release": lambda: cases.release(case_id, actor, reason=text),
            "assign": lambda: cases.assign(case_id, actor, person=act.person or act.who),
            "contact": lambda: cases.contact(case_id, actor, comment=act.text),
            "plan": lambda: cases.plan(case_id, actor, plan=text),
            "close": lambda: cases.resolve(case_id, actor, verdict=act.outcome, comment=act.text),
            "reopen": lambda: cases.reopen(case_id, actor, reason=text),
            "comment": lambda: cases.comment(case_id, actor, text=text),
            "hand_over": lambda: cases.hand_over(
                case_id,
                actor,
                squad=act.squad or squad,
                reason=text,
                tier=act.tier,
                form=act.form,
                answers={name: str(value) for name, value in act.answers.items()},
            ),
        }
        deeds[act.do]()
