"""The schema of a night's report: one JSON object, the same in the database, in ``report.json`` and on standard output.

Programs read it, so it holds codes and numbers and no sentences about the night: those are written from it by
:mod:`serving.night_report.report_text`. Sentences that were frozen before (a case's reasons, the message of an error)
are data here like any name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from serving.night_report.earlier_reports import convert
from serving.night_report.effect_report import EffectReport
from serving.night_report.queue_case import QueueCase, ReportPart

SCHEMA_VERSION: Final = 3
"""Version 1 had no ``schema_version``; :mod:`serving.night_report.earlier_reports` converts it.

Version 2 lacks the lanes and what a night does with open cases; its reports are read as they are.
"""

NotScoredCode = Literal[
    "no_subscription",
    "cancellation_known",
    "no_activity",
    "no_ticket",
    "no_invoice",
    "unknown_amount",
    "condition_not_met",
    "missing_values",
    "no_model",
    "other",
]


class TableRows(ReportPart):
    """What happened to the rows of one table: rows = accepted + duplicates + quarantined."""

    name: str
    rows: int
    accepted: int
    duplicates: int = Field(description="rows that repeat another row exactly, and were dropped")
    quarantined: dict[str, int] = Field(description="rows that break a rule, by rule")
    files_read: int = 0
    files_cached: int = Field(
        default=0, description="files that were not read, because they have not changed since they were"
    )
    newest_on: date | None = Field(default=None, description="the day on which the newest row before the night came")
    of_queue: bool = Field(default=False, description="only the team's own rows: the source has no such table")


class NotScored(ReportPart):
    """How many accounts were not scored for one reason; ``features`` are those without a value that can be used."""

    code: NotScoredCode
    count: int
    features: tuple[str, ...] = ()
    text: str = Field(default="", description="the reason in words, only where the code is `other`")


class RiskReport(ReportPart):
    """One risk on this night; ``model_version`` is null where it has no model."""

    name: str
    title: str
    model_version: str | None
    eligible: int
    scored: int
    scored_with_unknown: int = Field(
        default=0, description="of those scored, accounts with a value that is unknown and never was in training"
    )
    not_scored: tuple[NotScored, ...] = ()
    highest_probability: float | None = Field(default=None, description="of all accounts that were scored")
    uplift_version: str | None = Field(
        default=None, description="version of the uplift model that the priority uses; null for plain risk"
    )


class DecisionReport(ReportPart):
    """What the policy decided, in numbers of accounts."""

    accounts: int = 0
    flagged: int = Field(default=0, description="accounts that get a new case")
    raised_again: int = Field(default=0, description="accounts whose open case is raised again")
    waiting: int = Field(default=0, description="accounts without a place tonight, because their squad is full")
    held_out: int = Field(default=0, description="accounts kept from the team, so that its effect can be measured")
    exempted: int = Field(default=0, description="accounts that the policy exempts from being held out")
    suppressed: dict[str, int] = Field(default_factory=dict, description="accounts that get no case, by reason")
    detected: dict[str, int] = Field(default_factory=dict, description="accounts at risk by the policy, by risk")
    enter: dict[str, float] = Field(default_factory=dict, description="probability that raises a case, by risk")
    triggers: dict[str, int] = Field(default_factory=dict, description="accounts for which a trigger fires, by trigger")
    cancellations: int = Field(default=0, description="accounts whose last contract has a known end")
    partial_losses: int = Field(default=0, description="accounts that lose a part of their contracts")
    excluded: dict[str, int] = Field(default_factory=dict, description="accounts that the policy excludes, by rule")


class CaseChanges(ReportPart):
    """What the night did to the cases of the queue."""

    opened: int = 0
    raised_again: int = 0
    expired: int = Field(default=0, description="cases whose cause is gone: no contact with the customer, no plan")
    resolved: int = Field(default=0, description="open cases whose cause is gone since tonight")
    settled: int = Field(default=0, description="cases closed as lost whose contract has ended now")
    closed: dict[str, int] = Field(default_factory=dict, description="cases that the night closed, by reason")


class FeedReport(ReportPart):
    """The age of the newest row of a source table, by its day; ``stale`` where that is more than ``max_age_days``."""

    table: str
    age_days: int | None
    max_age_days: int
    stale: bool
    newest_on: date | None = Field(default=None, description="newest day on which a usual number of rows became known")
    late: bool = Field(default=False, description="older than on nearly all of the same weekdays before")
    late_after_days: int | None = Field(
        default=None, description="age on this weekday after which it is late; null with too little history"
    )
    newest_rows: int | None = Field(default=None, description="rows of that day")
    expected_rows: int | None = Field(default=None, description="the usual number of rows on that weekday")
    rows_since: int = Field(default=0, description="rows of later days, each with far fewer than usual")


class RealisedOutcomes(ReportPart):
    """What happened, according to the data, to the accounts of the cases that earlier nights opened for one risk.

    A case is ``settled`` when its window of ``horizon_days`` after the night (lead included) is over; ``events`` counts
    the settled cases with the event in that window. Cases were worked, so an event that was prevented is not counted.
    """

    risk: str
    horizon_days: int
    cases: int
    settled: int
    events: int
    median_lead_days: float | None = Field(description="median days from the night to the event")
    effect: EffectReport | None = Field(description="null in reports of earlier versions")
    cancellations: int = Field(default=0, description="cases of received cancellations, which are in no other figure")
    cancellations_saved: int = Field(default=0, description="of these, cases that were closed as saved")
    cancellations_lost: int = Field(default=0, description="of these, cases that were closed as lost")


class UnknownTable(ReportPart):
    """The source has a table that is not in the contract; ``nearest`` is the one that it probably is."""

    code: Literal["unknown_table"] = "unknown_table"
    table: str
    nearest: str | None


class UnknownResponsible(ReportPart):
    """Open cases belong to people whom the policy does not list: no message reaches them."""

    code: Literal["unknown_responsible"] = "unknown_responsible"
    cases: int
    people: tuple[str, ...]


class UnreadFile(ReportPart):
    """A file of the source was not read; ``reason`` completes "it is not read: …"."""

    code: Literal["unread_file"] = "unread_file"
    file: str
    reason: str


class SourceLeftOut(ReportPart):
    """One of several sources cannot be read or is stale; the night went on without it, as the settings say."""

    code: Literal["source_left_out"] = "source_left_out"
    source: str
    reason: str


class CompaniesNotMatched(ReportPart):
    """Companies of a source match no account of the source of accounts; their rows were left out."""

    code: Literal["companies_not_matched"] = "companies_not_matched"
    source: str
    companies: int
    matched: int
    rows: int
    nearest: str = Field(default="", description="the nearest miss in words, where there is one")


class ExtensionNotUsed(ReportPart):
    """An extension breaks a rule and was left out, as the settings allow; its features are unknown to every model."""

    code: Literal["extension_not_used"] = "extension_not_used"
    file: str
    reason: str


class CurrencyWithoutRate(ReportPart):
    """Money in these currencies cannot be compared with the others: the settings have no rate for them."""

    code: Literal["currency_without_rate"] = "currency_without_rate"
    currencies: tuple[str, ...]


class AccountsNotInSource(ReportPart):
    """Rows of the source belong to accounts that it does not have: they left and were removed, or ids differ."""

    code: Literal["accounts_not_in_source"] = "accounts_not_in_source"
    accounts: int
    rows: int = Field(description="rows that were left out")
    tables: tuple[str, ...] = Field(description="the tables that have them")
    resembling: int = Field(description="how many of the ids differ from an account's only in how they are written")
    quarantined: int = Field(0, description="how many of the accounts are in the source, but only in quarantined rows")


class FileInterpretation(ReportPart):
    """A file of the source was read otherwise than as plain UTF-8 with a header in its first line."""

    code: Literal["file_interpretation"] = "file_interpretation"
    file: str
    encoding: str | None = Field(default=None, description="the encoding, where it is not UTF-8")
    skipped_lines: int = Field(default=0, description="lines above the header line")
    renamed_columns: tuple[str, ...] = Field(default=(), description="columns whose name occurs before, numbered")
    unusable_value: str | None = Field(
        default=None, description="of a mapping's query: why some values are read as missing"
    )
    changed_columns: tuple[str, ...] = Field(default=(), description="columns new, gone or of another type, in words")


class UnknownAccounts(ReportPart):
    """Rows of the queue belong to accounts that the source does not have; they were left out."""

    code: Literal["unknown_accounts"] = "unknown_accounts"
    table: str
    rows: int


class TimestampOutliers(ReportPart):
    """Rows claim to be known long after all other rows: a clock of the source is wrong."""

    code: Literal["timestamp_outliers"] = "timestamp_outliers"
    table: str
    rows: int
    first: date
    last: date


class UnknownPolicyName(ReportPart):
    """The policy names a segment or region that no account has."""

    code: Literal["unknown_policy_name"] = "unknown_policy_name"
    place: str
    kind: str
    name: str
    known: tuple[str, ...]


class RiskWithoutRules(ReportPart):
    """The policy has no table for a scored risk, so default rules apply to it."""

    code: Literal["risk_without_rules"] = "risk_without_rules"
    risk: str


class RiskNotPredicted(ReportPart):
    """A risk is not predicted at all, because the source lacks the table that shows its event."""

    code: Literal["risk_not_predicted"] = "risk_not_predicted"
    risk: str
    table: str


class NoModel(ReportPart):
    """A risk has no model, so nobody was scored; ``reason`` is the message of the error."""

    code: Literal["no_model"] = "no_model"
    risk: str
    reason: str


class NoSignal(ReportPart):
    """The champion showed no signal: every account gets the base rate."""

    code: Literal["no_signal"] = "no_signal"
    risk: str
    base_rate: float
    reason: str


class NotBetter(ReportPart):
    """The champion was not shown to be better than a simple rule."""

    code: Literal["not_better_than_baseline"] = "not_better_than_baseline"
    risk: str
    reason: str


class UpliftNotUsed(ReportPart):
    """The policy asks for the uplift in the priority, and the priority of this risk uses plain risk."""

    code: Literal["uplift_not_used"] = "uplift_not_used"
    risk: str
    reason: str


class RegistryUnavailable(ReportPart):
    """The model registry did not answer or its model was broken; the last verified model was used."""

    code: Literal["registry_unavailable"] = "registry_unavailable"
    risk: str
    reason: str


class EarlierWarning(ReportPart):
    """A warning of a report of an earlier version, which has it as a sentence only."""

    code: Literal["text"] = "text"
    text: str


class DataEndEarlier(ReportPart):
    """A night that was asked for is later than the newest row of all tables, by more than ``stale_after`` days."""

    code: Literal["data_end_earlier"] = "data_end_earlier"
    newest: date
    days: int


NightWarning = Annotated[
    SourceLeftOut
    | CompaniesNotMatched
    | DataEndEarlier
    | UnknownTable
    | UnknownResponsible
    | UnreadFile
    | FileInterpretation
    | ExtensionNotUsed
    | CurrencyWithoutRate
    | UnknownAccounts
    | AccountsNotInSource
    | TimestampOutliers
    | UnknownPolicyName
    | RiskWithoutRules
    | RiskNotPredicted
    | NoModel
    | NoSignal
    | NotBetter
    | RegistryUnavailable
    | UpliftNotUsed
    | EarlierWarning,
    Field(discriminator="code"),
]


class ExtensionReport(ReportPart):
    """An extension that the night used: its file, the SHA-256 of its content, and the names of what it declares."""

    file: str
    digest: str
    features: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    learners: tuple[str, ...] = ()


class NightReport(ReportPart):
    """One night; docs/nightly-json.md describes every key."""

    schema_version: int = SCHEMA_VERSION
    as_of: date
    run_id: str
    tables: tuple[TableRows, ...] = ()
    missing_tables: tuple[str, ...] = ()
    feeds: tuple[FeedReport, ...] = ()
    risks: tuple[RiskReport, ...] = ()
    decision: DecisionReport = DecisionReport()
    cases: CaseChanges = CaseChanges()
    queue: tuple[QueueCase, ...] = ()
    realised_outcomes: tuple[RealisedOutcomes, ...] = ()
    extensions: tuple[ExtensionReport, ...] = ()
    warnings: tuple[NightWarning, ...] = ()
    seconds: dict[str, float] = Field(default_factory=dict, description="by step, in the order in which they ran")
    unchanged: bool = False

    def with_cases(self, cases: CaseChanges, queue: Sequence[QueueCase]) -> NightReport:
        """The report with what became of the cases, and the night's queue."""
        return self.model_copy(update={"cases": cases, "queue": tuple(queue)})

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> NightReport:
        """The report that :meth:`to_json` wrote, in this version or an earlier one."""
        return cls.model_validate(
            {**data, "schema_version": SCHEMA_VERSION} if "schema_version" in data else convert(data)
        )

    def risk(self, name: str) -> RiskReport | None:
        """The report of the risk of that name."""
        return next((risk for risk in self.risks if risk.name == name), None)
