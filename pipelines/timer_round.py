"""One round of everything that depends on the time: SLA timers and paths of cases, incidents, and their messages.

``rescue timers``, ``rescue watch`` and the flow call it. A lease in the database lets only one of them act.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from features.errors import UsageError
from pipelines import assembly
from pipelines.settings import Settings
from serving.cases.digests.send_messages import send_messages
from serving.cases.health_adjustments import HealthRule
from serving.cases.incoming.read_back import READ_EVERY, ReadReport, read_back
from serving.cases.sla_timers import TimerReport, run_timers
from serving.delivery.channel import Channel
from serving.delivery.channel_settings import broadcast_channels
from serving.incidents.run_incidents import IncidentReport, run_incidents
from serving.incidents.timer_lease import HeldBy, release_lease, take_lease
from serving.policy.definition.policy_file import Policy
from serving.store import Store, utcnow
from serving.weekly.weekly_sending import queue_weekly


@dataclass(frozen=True)
class RoundReport:
    """What a round did. ``held_by`` is the process that acts in place of this one; then nothing was done."""

    cases: TimerReport
    incidents: IncidentReport
    held_by: HeldBy | None = None
    returned: ReadReport = field(default_factory=ReadReport)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What happened, a line each; of incidents only where there are any."""
        cases, incidents = self.cases, self.incidents
        counts = (
            f"{len(cases.woken)} woken, {len(cases.escalated)} escalated, {len(cases.breached)} SLA breaches recorded"
        )
        lines = [f"Cases: {counts}."]
        if incidents.signals or incidents.changed:
            lines.append(
                f"Incidents: {incidents.signals:,} new signals, {len(incidents.opened)} opened, "
                f"{len(incidents.reopened)} opened again, {len(incidents.over)} over, "
                f"{len(incidents.escalated)} escalated, {len(incidents.breached)} SLA breaches recorded."
            )
        return (*lines, *self.returned.sentences)

    @property
    def did_something(self) -> bool:
        """Whether anything changed."""
        cases = self.cases
        return bool(self.incidents.signals or self.incidents.changed or self.returned.sentences) or any(
            (cases.woken, cases.escalated, cases.breached, cases.repeated)
        )


def run_round(
    settings: Settings,
    store: Store,
    policy: Policy | None,
    *,
    holder: str,
    send: bool = True,
    trust_clock: bool = False,
    keep: bool = False,
) -> RoundReport:
    """Run one round, unless another process acts. With ``keep``, the lease is kept until it is released or ends.

    Without a policy, incidents wait: their signals are kept.
    """
    channels = assembly.open_channels(settings)  # before the lease: a setting that does not fit must not keep it
    lease = take_lease(store, holder)
    if isinstance(lease, HeldBy):
        return RoundReport(TimerReport(), IncidentReport(), lease)
    broadcast = broadcast_channels(settings.channels)
    try:
        cases = run_timers(store, channels=broadcast, trust_clock=trust_clock)
        incidents = IncidentReport()
        if cases.alarm is None and policy is not None:
            days = settings.signals.keep_days
            incidents = run_incidents(store, policy, channels=broadcast, lease=lease, keep_days=days)
        returned = _read_back(store, channels, policy) if send else ReadReport()
        if cases.alarm is None and policy is not None:
            queue_weekly(store, policy.rules, settings.timezone, utcnow())
        if channels and send:
            send_messages(store, channels)
    finally:
        if not keep:
            release_lease(store, lease)
    return RoundReport(cases, incidents, returned=returned)


def _read_back(store: Store, channels: Mapping[str, Channel], policy: Policy | None) -> ReadReport:
    """What came back from systems with records of cases, as far as it is time to look."""
    rule = HealthRule.of(policy.rules.health) if policy is not None else HealthRule()
    return read_back(store, channels, health=rule, every=READ_EVERY)


def policy_or_error(settings: Settings) -> tuple[Policy | None, UsageError | None]:
    """The policy in force, or why it cannot be used: the timers of cases go on without it."""
    from pipelines.assembly import current_policy

    try:
        return current_policy(settings).policy, None
    except UsageError as error:
        return None, error
