"""Play the demo: night after night, day after day, until today.

A night is the function that ``rescue nightly`` calls, in this process and without Prefect; the home folder is kept, so
that a night finds its caches. In between, the timers run as under cron, and the team works.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property

from features.errors import DataGateError
from models.risks.defaults import ESCALATION
from pipelines import assembly
from pipelines.console import Steps
from pipelines.demo.company import Company, LateFeed
from pipelines.demo.demo_clock import DemoClock
from pipelines.demo.demo_home import DemoHome, demo_policy
from pipelines.demo.demo_team import READERS, TEAM
from pipelines.demo.policy_changes import change_policy, first_policy
from pipelines.demo.special_days import (
    BROKEN_EXPORT,
    CHECKOUTS_FAIL,
    EXPORTS_ARE_SLOW,
    LATE_FEED,
    enter_absences,
    open_case_by_hand,
    send_checkout_signals,
    send_export_signals,
    work_incident,
)
from pipelines.demo.work_context import WorkContext
from pipelines.demo.working_day import is_working_day, work_hours
from pipelines.monitoring.monitor import monitor
from pipelines.night.night import run_nights
from pipelines.settings import Settings
from pipelines.simulator import SimulatorSettings
from pipelines.step_runner import plain_runner
from pipelines.timer_round import run_round
from pipelines.training.train_models import train_from
from serving.cases.cases import Cases
from serving.cases.health_adjustments import HealthRule
from serving.incidents.incident_actions import Incidents
from serving.policy.definition.policy_file import Policy
from serving.store import Store
from serving.store.database import use_clock
from serving.web.identity.users import save_user

NIGHT_HOUR, REPAIR_HOUR = 0, 6
HOURS = (6, 7, 8, 11, 12, 14, 18)
"""The hours (UTC) at which the timers run on a working day; the team works at some of them."""
MONDAY = 0
MONITOR_EVERY = 28
LOG_EVERY = 5
"""A line of progress every so many nights."""
RETRAIN_DAY = 28
"""Escalation is trained again so many days before the end: its labels mature within weeks."""


@dataclass(frozen=True, kw_only=True)
class DemoPlan:
    """What is played: ``nights`` that end with the night of ``until``, on so many accounts over so many months."""

    until: date
    nights: int = 60
    accounts: int = 320
    months: int = 30
    seed: int = 11

    @property
    def first(self) -> date:
        """The first night."""
        return self.until - timedelta(days=self.nights - 1)


@dataclass
class DemoReport:
    """What was played: actions by kind, those that the app refused, nights and those that stopped at first."""

    nights: int = 0
    stopped: int = 0
    actions: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


def play_demo(home: DemoHome, plan: DemoPlan, log: Callable[[str], None] = lambda line: None) -> DemoReport:
    """Play the demo into a new folder.

    Raises:
        UsageError: the folder holds something else than a demo.
    """
    home.create()
    home.write_policy(first_policy(demo_policy()))
    clock = DemoClock(datetime.combine(plan.first, time()))
    with use_clock(clock):
        company = Company(_world(plan), home.source, _late_feed(plan))
        company.live_until(_source_end(plan, plan.first))
        settings = home.settings()
        with assembly.open_store(settings) as store:
            demo = _Demo(home, plan, settings, store, company, clock, log)
            report = demo.play()
    home.finish(plan.until, plan.nights, plan.seed)
    return report


@dataclass
class _Demo:
    """A demo while it is played."""

    home: DemoHome
    plan: DemoPlan
    settings: Settings
    store: Store
    company: Company
    clock: DemoClock
    log: Callable[[str], None]
    report: DemoReport = field(default_factory=DemoReport)

    @cached_property
    def policy(self) -> Policy:
        """The policy in force."""
        return assembly.current_policy(self.settings).policy

    def play(self) -> DemoReport:
        """Every day in its order."""
        cases = Cases(self.store, health=HealthRule.of(self.policy.rules.health))
        context = WorkContext(cases, self.clock, self.plan.seed, self.plan.until, self.company.names())
        for number in range(self.plan.nights):
            day = self.plan.first + timedelta(days=number)
            self._night(day)
            if number == 0 or (number + 1) % LOG_EVERY == 0 or day == self.plan.until:
                self.log(f"Night {number + 1} of {self.plan.nights} is played: {day.isoformat()}")
            if number == 0:
                self._add_users()
            if day < self.plan.until:
                self._day(context, day, number)
        self.report.actions = dict(sorted(context.counts.items()))
        self.report.refused = context.refused
        return self.report

    def _night(self, day: date) -> None:
        """The night of a day; where the source is not fit for it, it is run again in the morning."""
        self.clock.go_to(day, NIGHT_HOUR, 5)
        if day.weekday() == MONDAY:
            self.company.live_until(_source_end(self.plan, day))
        left = (self.plan.until - day).days
        table, broken_on, share = BROKEN_EXPORT
        if left == broken_on:
            with self.company.broken_export(table, share):
                try:
                    self._run(day)
                except DataGateError:
                    self.report.stopped += 1
            self.clock.go_to(day, REPAIR_HOUR, 10)
        if left == RETRAIN_DAY:
            train_from(self.settings, ESCALATION.name, day, 0, Steps(quiet=True))
        self._run(day)
        self.report.nights += 1
        if left % MONITOR_EVERY == 0:
            monitor(self.settings, day, Steps(quiet=True))

    def _run(self, day: date) -> None:
        steps = Steps(quiet=True)
        run_nights(self.settings, day, plain_runner(steps), steps)

    def _day(self, context: WorkContext, day: date, number: int) -> None:
        left = (self.plan.until - day).days
        enter_absences(self.store, day, left, self.plan.nights, self.clock())
        incidents = Incidents(self.store)
        for hour in HOURS if is_working_day(day) else HOURS[::4]:
            self.clock.go_to(day, hour)
            self._timers()
            if is_working_day(day):
                work_hours(context, day, number, hour)
        self.clock.go_to(day, 18, 30)
        if change_policy(self.store, assembly.policy_source(self.settings), left):
            del self.policy  # read anew
        open_case_by_hand(context, left)
        if left == CHECKOUTS_FAIL:
            self.clock.go_to(day, 19)
            send_checkout_signals(context, self.clock())
            self._timers()
            work_incident(context, incidents, person=TEAM[4], resolve=False)
            self.clock.pass_minutes(40)
            work_incident(context, incidents, person=TEAM[4], resolve=True)
        if left == EXPORTS_ARE_SLOW:
            self.clock.go_to(day, 20)
            send_export_signals(context, self.clock())
            self._timers()
            work_incident(context, incidents, person=TEAM[5], resolve=False)
        self.company.rescue(context.rescued)
        context.rescued.clear()

    def _timers(self) -> None:
        run_round(self.settings, self.store, self.policy, holder="rescue demo")

    def _add_users(self) -> None:
        for person in (*TEAM, *READERS):
            save_user(self.store, person.name, [person.role], person.squads, None)


def _world(plan: DemoPlan) -> SimulatorSettings:
    return SimulatorSettings(accounts=plan.accounts, months=plan.months, seed=plan.seed, until=plan.until)


def _late_feed(plan: DemoPlan) -> LateFeed:
    table, first, last = LATE_FEED
    return LateFeed(table, plan.until - timedelta(days=first), plan.until - timedelta(days=last))


def _source_end(plan: DemoPlan, day: date) -> date:
    """The source is written for a week: until the next Monday, and not beyond the end."""
    return min(day + timedelta(days=7 - day.weekday()), plan.until)
