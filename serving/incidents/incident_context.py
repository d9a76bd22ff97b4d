"""What one round needs to escalate incidents: the policy that found them, its people, and the settings of messages."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from serving.cases.escalation.path_context import PathContext, load_context
from serving.cases.people import load_staff
from serving.paths.calendars import WorkingCalendar
from serving.paths.message_settings import MessageSettings
from serving.paths.path_steps import EscalationPath
from serving.paths.subjects import Subject
from serving.policy.definition.policy_schema import PolicyFile, SeverityRule
from serving.store.database import MESSAGES
from serving.store.incident_tables import Incident
from serving.store.queries.incident_queries import affected_revenue


@dataclass(frozen=True)
class IncidentContext:
    """``paths`` resolves people and writes messages; ``channels`` get every incident, as they get every case."""

    paths: PathContext
    channels: tuple[str, ...] = ()

    @classmethod
    def of(cls, session: Session, rules: PolicyFile, channels: tuple[str, ...], at: datetime) -> "IncidentContext":
        """The context of the policy that the incidents are found with, which may be newer than the newest night's."""
        messages = session.info.get(MESSAGES) or MessageSettings()
        return cls(PathContext(rules, load_staff(session, at, rules.roster), messages, {}), channels)

    @classmethod
    def of_newest_night(cls, session: Session, at: datetime) -> "IncidentContext":
        """The context where no policy file is at hand: that of the newest night."""
        return cls(load_context(session, at))

    def path_of(self, incident: Incident) -> EscalationPath | None:
        """Its path, else that of its severity; None where no policy is known."""
        rules = self.paths.rules
        if rules is None or incident.squad not in rules.squads:
            return None
        if incident.path is not None and incident.path in rules.paths:
            return rules.path_named(incident.path)
        return rules.path_of(incident.severity, incident.squad)

    def calendar_of(self, incident: Incident) -> WorkingCalendar | None:
        """The working time that its path runs by: of the responsible person, else of the squad."""
        return self.paths.staff.roster.calendar_of(incident.responsible, incident.squad)

    def subject_of(
        self, session: Session, incident: Incident, *, headline: str, actor: str = "", comment: str = ""
    ) -> Subject:
        """The incident as paths and messages see it."""
        row = self._severity(incident)
        return Subject(
            id=incident.id,
            title=incident.title,
            squad=incident.squad,
            severity=incident.severity,
            opened_at=incident.detected_at,
            kind="incident",
            headline=headline,
            responsible=incident.responsible,
            acknowledged_by=incident.acknowledged_by,
            accountable=(row.accountable,) if row else (),
            consulted=row.consulted if row else (),
            informed=row.informed if row else (),
            reached=tuple(incident.reached),
            respond_by=incident.respond_by,
            resolve_by=incident.resolve_by,
            comment=comment,
            actor=actor,
            facts=_facts(session, incident),
            titles=self.paths.titles,
        )

    def _severity(self, incident: Incident) -> SeverityRule | None:
        rules = self.paths.rules
        return rules.severities[rules.rank_of(incident.severity)] if rules else None


def affected_text(count: int, total: int | None, what: str) -> str:
    """How many are affected, with the share where it is known: ``240 users (5%)``; empty for none."""
    if not count:
        return ""
    share = min(count / total, 1.0) if total else None
    shown = "" if share is None else " (under 1%)" if share < 0.01 else f" ({share:.0%})"
    return f"{count:,} {what}{'' if count == 1 else 's'}{shown}"


def scope_text(incident: Incident) -> str:
    """How much it affects, in words: ``240 users (5%), 12 accounts (3%)``; empty where no signal names anybody."""
    users = affected_text(incident.users, incident.users_total, "user")
    accounts = affected_text(incident.accounts, incident.accounts_total, "account")
    return ", ".join(part for part in (users, accounts) if part)


def _facts(session: Session, incident: Incident) -> dict[str, str]:
    revenue, _unknown = affected_revenue(session, incident.id)
    facts = {
        "affected": affected_text(incident.accounts, incident.accounts_total, "account"),
        "users": affected_text(incident.users, incident.users_total, "user"),
        "revenue": " and ".join(f"{part.currency} {part.amount:,.0f}".strip() for part in revenue),
        "state": incident.state,
    }
    return {name: value for name, value in facts.items() if value}
