"""``rescue watch``: the timers of cases and incidents as a process that goes on until it is stopped."""

from __future__ import annotations

import signal
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import UsageError
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.options import Home, PolicyFile
from pipelines.console import err, out

if TYPE_CHECKING:
    from pipelines.timer_round import RoundReport
    from serving.incidents.timer_lease import HeldBy
    from serving.policy.definition.policy_file import Policy
    from serving.store import Store


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Run the timers of cases and incidents until stopped.")(watch)


def watch(
    home: Home = None,
    policy: PolicyFile = None,
    every: Annotated[float, typer.Option(min=0.1, max=45, help="Seconds between two rounds.")] = 10,
    deliver: Annotated[
        bool, typer.Option(help="Send the resulting messages at once; otherwise `rescue deliver` sends them.")
    ] = True,
) -> None:
    """Do what `rescue timers` does, again and again: an incident is opened within seconds of its last signal.

    SIGTERM and Ctrl-C end it after the present round. Several may run: one acts, and another takes over when it stops.
    A changed policy is used from the next round on; while it has an error, the last valid one is.
    """
    settings = configuration.load(home=home, policy=policy)
    first = assembly.current_policy(settings).policy
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with assembly.open_store(settings) as store:
        out.print(f"Running the timers every {every:g} seconds; Ctrl-C stops it.", markup=False)
        _Watch(settings, store, first, deliver).run(every, stop)
    out.print("Stopped.")


class _Watch:
    """The rounds, with what was printed last, so that a state that lasts is printed once."""

    def __init__(self, settings: configuration.Settings, store: Store, policy: Policy, send: bool) -> None:
        from serving.incidents.timer_lease import this_process

        self.settings, self.store, self.policy, self.send = settings, store, policy, send
        self.holder = this_process("rescue watch")
        self.printed = ""

    def run(self, every: float, stop: Event) -> None:
        """Run rounds until ``stop`` is set, then end the lease."""
        from serving.incidents.timer_lease import TimerLease, release_lease, take_lease
        from serving.store.database import StoreUnavailableError

        while not stop.is_set():
            self._round()
            stop.wait(every)
        try:
            lease = take_lease(self.store, self.holder)
            if isinstance(lease, TimerLease):
                release_lease(self.store, lease)
        except StoreUnavailableError:
            return  # the lease ends by itself

    def _round(self) -> None:
        from pipelines.timer_round import run_round
        from serving.incidents.timer_lease import LeaseLostError
        from serving.store.database import StoreUnavailableError

        self._reload()
        try:
            report = run_round(self.settings, self.store, self.policy, holder=self.holder, send=self.send, keep=True)
        except (StoreUnavailableError, LeaseLostError) as error:
            self._print_once(f"Warning: {error}")
            return
        if report.held_by is not None:
            self._print_once(_waiting_text(report.held_by))
            return
        if report.cases.alarm is not None:
            self._print_once(f"Warning: {report.cases.alarm}")
            return
        self.printed = ""
        self._print(report)

    def _reload(self) -> None:
        """Use the policy in force as it is now; with an error, the last valid one."""
        from serving.policy_versions.saved_policies import read_policy_in_force
        from serving.store.database import StoreUnavailableError

        try:
            self.policy = read_policy_in_force(self.store, assembly.policy_source(self.settings)).policy
        except UsageError as error:
            err.print(f"Warning: {error} The last valid policy is used.", markup=False, soft_wrap=True)
        except StoreUnavailableError:
            return  # the round says so

    def _print(self, report: RoundReport) -> None:
        if report.did_something:
            for line in report.sentences:
                out.print(line, markup=False, soft_wrap=True)

    def _print_once(self, text: str) -> None:
        if text != self.printed:
            err.print(text, markup=False, soft_wrap=True)
        self.printed = text


def _waiting_text(held: HeldBy) -> str:
    return f"Waiting: {held.shown} runs the timers; this process takes over when it stops."
