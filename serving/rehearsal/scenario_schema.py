"""The tables of a scenario file: what happens when, and who does what.

A time (``at``, ``from``, ``to``) is a duration after the start ("45 minutes"), a time of day of the start's day
("10:30"), or a date with a time.
"""

from datetime import date, datetime, time
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from serving.policy.definition.policy_section import Names, Section, Text, Within, Word

ScenarioTime = Annotated[datetime | time | Word | None, Field()]

_Deed = Literal[
    "acknowledge",
    "claim",
    "accept",
    "return",
    "hand_over",
    "release",
    "assign",
    "contact",
    "plan",
    "close",
    "reopen",
    "comment",
]
ActOutcome = Literal["saved", "lost", "false_alarm", "no_action"]
ActKind = Annotated[_Deed, BeforeValidator(lambda value: _joined(value))]


def _joined(value: object) -> object:
    """``hand over`` and ``Hand-over`` are ``hand_over``."""
    return value.strip().lower().replace(" ", "_").replace("-", "_") if isinstance(value, str) else value


HowMany = Annotated[int, Field(ge=1, le=100_000)]
AbsenceDay = Annotated[date | datetime, Field()]


class ScenarioCase(Section):
    """A case that is opened."""

    name: Word = Field(description="name of the case within the scenario")
    at: ScenarioTime = Field(None, description="when; default: at the start")
    account: Word | None = Field(None, description="name of the account; default: the name of the case")
    owner: Word | None = Field(None, description="the account's owner")
    squad: Word = Field(description="squad that gets it")
    severity: Word = Field(description="one of the policy's severities")
    headline: Text | None = Field(None, description="the reason in one sentence")
    revenue: Annotated[float, Field(ge=0)] | None = Field(None, description="recurring revenue of the account")
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = Field(None, description="its currency, such as EUR")


class ScenarioSignals(Section):
    """Signals that arrive: ``count`` of them, ``every`` so long."""

    at: ScenarioTime = Field(None, description="when the first arrives; default: at the start")
    count: HowMany = Field(1, description="how many")
    every: Within | None = Field(None, description="time between two of them; default: all at once")
    kind: Word = Field(description="kind of the signal, such as `checkout_failed`")
    source: Word = Field("rehearsal", description="where it comes from")
    accounts: Names = Field((), description="accounts that it is about, in turn")
    users: Annotated[int, Field(ge=1)] | None = Field(None, description="different users that it is about, in turn")
    product: Word | None = Field(None, description="as in `[incidents.*]`")
    service: Word | None = Field(None, description="as in `[incidents.*]`")
    environment: Word | None = Field(None, description="as in `[incidents.*]`")
    severity: Word | None = Field(None, description="as in `[incidents.*]`")
    status: Word | None = Field(None, description="as in `[incidents.*]`")
    code: Word | None = Field(None, description="as in `[incidents.*]`")
    fingerprint: Word | None = Field(None, description="as in `[incidents.*]`")
    region: Word | None = Field(None, description="as in `[incidents.*]`")
    message: Text | None = Field(None, description="as in `[incidents.*]`")
    value: float | None = Field(None, description="as in `[incidents.*]`")


class ScenarioAbsence(Section):
    """A person who cannot act on some days, the last one included."""

    person: Word = Field(description="who")
    first: AbsenceDay = Field(description="the first day")
    last: AbsenceDay = Field(description="the last day")
    reason: Word = Field("absent", description="why")
    at: ScenarioTime = Field(None, description="when it is entered; default: at the start")


class ScenarioAct(Section):
    """Something that a person does to a case or to an incident."""

    at: ScenarioTime = Field(description="when")
    who: Word = Field(description="the person")
    do: ActKind = Field(description="what")
    case: Word | None = Field(None, description="name of the case; default: the only one")
    incident: Word | None = Field(None, description="name of the incident, one of `[incidents.*]`")
    squad: Word | None = Field(None, description="of `hand_over`: the squad that receives the case")
    tier: Annotated[int, Field(ge=1, le=3)] = Field(1, description="of `hand_over`: the tier that receives it")
    form: Word | None = Field(None, description="of `hand_over`: the form, where several fit")
    answers: dict[str, Any] = Field(default_factory=dict, description="of `hand_over`: answers by field of the form")
    person: Word | None = Field(None, description="of `assign`: who gets the case")
    outcome: ActOutcome = Field("saved", description="of `close`")
    text: Text | None = Field(None, description="reason, plan or comment")


class ScenarioOutage(Section):
    """The timers do not run for some time."""

    begin: ScenarioTime = Field(description="from when")
    end: ScenarioTime = Field(description="until when")


class ScenarioFile(Section):
    """The whole file."""

    name: Word = Field("Rehearsal", description="title of the script")
    start: datetime = Field(description="when it begins")
    timezone: Word = Field("UTC", description="time zone of times without one, and of the script")
    length: Within | None = Field(None, description="when it ends; default: when nothing is left to do")
    cases: tuple[ScenarioCase, ...] = Field((), strict=False, description="one table per case")
    signals: tuple[ScenarioSignals, ...] = Field((), strict=False, description="one table per series of signals")
    absences: tuple[ScenarioAbsence, ...] = Field((), strict=False, description="one table per absence")
    acts: tuple[ScenarioAct, ...] = Field((), strict=False, description="one table per act")
    outages: tuple[ScenarioOutage, ...] = Field((), strict=False, description="when the timers do not run")
