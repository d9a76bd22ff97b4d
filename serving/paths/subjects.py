"""What a path and a message are about: a case or an incident, as far as paths and messages need it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Subject:
    """A case or an incident at one instant; times are UTC without a zone.

    ``title`` names the account or the incident, ``headline`` is the reason in one sentence. ``accountable``,
    ``consulted`` and ``informed`` are the roles of its severity, as the policy writes them. ``reached`` are the
    people and outside addresses that the path has reached so far. ``respond_by`` and ``resolve_by`` are deadlines
    that run. ``acknowledged_by`` is who has acknowledged it. ``comment`` and ``actor`` belong to the event that is
    announced; ``titles`` are the names of people as others read them, where they differ. ``facts`` are further
    values that a message may list, by name. ``to_accept`` says that it was handed over and waits for the receiver's
    answer; ``answers`` are those of the form that was sent with it, as label and text. ``mentioned`` are the people
    whom the comment names.
    """

    id: str
    title: str
    squad: str
    severity: str
    opened_at: datetime
    kind: str = "case"
    headline: str = ""
    responsible: str | None = None
    acknowledged_by: str | None = None
    account_owner: str | None = None
    accountable: tuple[str, ...] = ()
    consulted: tuple[str, ...] = ()
    informed: tuple[str, ...] = ()
    reached: tuple[str, ...] = ()
    mentioned: tuple[str, ...] = ()
    respond_by: datetime | None = None
    resolve_by: datetime | None = None
    comment: str = ""
    actor: str = ""
    to_accept: bool = False
    answers: tuple[tuple[str, str], ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)

    def title_of(self, person: str) -> str:
        """The name of a person as others read it."""
        return self.titles.get(person, person)
