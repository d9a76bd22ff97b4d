"""The sentences that a person reads of a night's report, one place for the command line and the review app.

Every code of :mod:`serving.night_report.report_schema` has its words here. Lines are whole sentences with a full stop;
what is a part of a sentence says so in its name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date

from features.catalogue import FEATURES
from features.errors import suggest_name
from serving.night_report import report_schema as schema

NOT_SCORED = {
    "no_subscription": "without a running subscription",
    "cancellation_known": "with a cancellation that is already known",
    "no_activity": "without recent activity",
    "no_ticket": "without a recent ticket",
    "no_invoice": "without a recent invoice",
    "unknown_amount": "whose revenue or seats are unknown or zero",
    "condition_not_met": "that do not meet the condition `eligible` of this risk",
    "no_model": "because there is no model of this risk",
}
_SHORT = {feature.name: re.split("[,;:]", feature.meaning)[0] for feature in FEATURES}
_COUNTS = Counter(_SHORT.values())
FEATURE_TITLES = {
    feature.name: _SHORT[feature.name] if _COUNTS[_SHORT[feature.name]] == 1 else feature.meaning
    for feature in FEATURES
}
"""What a feature is called in a list: the first part of its meaning, or all of it where several begin alike."""
ENOUGH_NAMED = 3
"""Features that a sentence names; of more it gives the number."""


def day_text(day: date) -> str:
    """A date as a person reads it: ``1 Jul 2026``."""
    return f"{day.day} {day:%b %Y}"


def plural(count: int, noun: str, nouns: str = "") -> str:
    """A count with its noun: ``1 case``, ``1,204 cases``; ``nouns`` is a plural without a plain *s*."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {nouns or f'{noun}s'}"


def warning_lines(report: schema.NightReport) -> list[str]:
    """Every warning of the night as a sentence, without the word "Warning".

    A table that is not in the contract is a warning where its name resembles one that is; others are no mistake, and
    three such lines a night hide the line that matters. :func:`unread_tables_line` lists them.
    """
    stale = [f"{stale_text(feed)}." for feed in report.feeds if feed.stale]
    late = late_lines([feed for feed in report.feeds if feed.late and not feed.stale])
    return [*(warning_line(warning) for warning in report.warnings if not _is_other_table(warning)), *stale, *late]


def unread_tables_line(report: schema.NightReport) -> str:
    """The tables of the source that were not read and resemble no table of the contract; empty where there are none."""
    unknown = [warning for warning in report.warnings if isinstance(warning, schema.UnknownTable)]
    others = [warning.table for warning in unknown if warning.nearest is None]
    return f"Not read, because the contract has no such table: {', '.join(others)}." if others else ""


def _is_other_table(warning: schema.NightWarning) -> bool:
    return isinstance(warning, schema.UnknownTable) and warning.nearest is None


def warning_line(warning: schema.NightWarning) -> str:
    """One warning as a sentence."""
    match warning:
        case (
            schema.DataEndEarlier()
            | schema.SourceLeftOut()
            | schema.CompaniesNotMatched()
            | schema.UnknownTable()
            | schema.UnknownAccounts()
            | schema.AccountsNotInSource()
            | schema.TimestampOutliers()
        ):
            return _source_line(warning)
        case schema.UnreadFile() | schema.FileInterpretation() | schema.ExtensionNotUsed():
            return _file_line(warning)
        case schema.CurrencyWithoutRate(currencies=currencies):
            return (
                f"Money in {', '.join(currencies)} has no rate, so the revenue of its accounts is not compared with "
                "that of others: set [currency] code and [currency.rates]."
            )
        case schema.UnknownPolicyName() | schema.RiskWithoutRules() | schema.UnknownResponsible():
            return _policy_line(warning)
        case schema.EarlierWarning(text=text):
            return _sentence(text)
        case _:
            return _model_line(warning)


def _several_sources_line(warning: schema.SourceLeftOut | schema.CompaniesNotMatched) -> str:
    if isinstance(warning, schema.SourceLeftOut):
        return f"The night went on without a source: {_sentence(warning.reason)}"
    companies, verb = plural(warning.companies, "company", "companies"), "was" if warning.rows == 1 else "were"
    nearest = f" {warning.nearest}" if warning.nearest else ""
    return (
        f"{warning.source}: {warning.matched:,} of {companies} match an account; {plural(warning.rows, 'row')} of the "
        f"others {verb} left out.{nearest}"
    )


def _source_line(
    warning: schema.DataEndEarlier
    | schema.UnknownTable
    | schema.UnknownAccounts
    | schema.AccountsNotInSource
    | schema.TimestampOutliers
    | schema.SourceLeftOut
    | schema.CompaniesNotMatched,
) -> str:
    match warning:
        case schema.SourceLeftOut() | schema.CompaniesNotMatched():
            return _several_sources_line(warning)
        case schema.DataEndEarlier(newest=newest, days=days):
            return (
                f"The newest row of all tables is of {day_text(newest)}, {plural(days, 'day')} before this night: what "
                "happened since then is not known, and less use, or no ticket, may only be missing rows."
            )
        case schema.AccountsNotInSource():
            return _unknown_accounts_line(warning)
        case schema.UnknownTable(table=table, nearest=nearest):
            hint = f"; did you mean {nearest!r}?" if nearest else "."
            return f"The source has a table {table!r}, which is not in the contract and was not read{hint}"
        case schema.UnknownAccounts(table=table, rows=rows):
            return (
                f"{plural(rows, 'row')} of {table} in the queue belong to accounts that the source does not have; "
                "they were left out."
            )
        case _:
            return _outliers_line(warning)


def _unknown_accounts_line(warning: schema.AccountsNotInSource) -> str:
    """Accounts that are not in the source, and those that are, but only in rows that were quarantined."""
    resembling, quarantined, verb = warning.resembling, warning.quarantined, "is" if warning.accounts == 1 else "are"
    where = "in quarantine" if quarantined == warning.accounts else "not in the source"
    some = (
        f" {quarantined:,} of them are in quarantine: see `rescue check`." if 0 < quarantined < warning.accounts else ""
    )
    why = " The rows of accounts break the contract: see `rescue check`." if quarantined == warning.accounts else some
    written = f" {resembling:,} of their ids resemble an account's: see `rescue check`." if resembling else ""
    return (
        f"{plural(warning.accounts, 'account')} that {', '.join(warning.tables)} have rows of {verb} {where}; "
        f"{plural(warning.rows, 'row')} {'was' if warning.rows == 1 else 'were'} left out.{why}{written}"
    )


def _file_line(warning: schema.UnreadFile | schema.FileInterpretation | schema.ExtensionNotUsed) -> str:
    match warning:
        case schema.ExtensionNotUsed(reason=reason):
            return f"An extension is not used, and its features are unknown tonight: {_sentence(reason)}"
        case schema.UnreadFile(file=file, reason=reason):
            return f"{file} is not read: {_sentence(reason)}"
        case schema.FileInterpretation(file=file, unusable_value=str(value)):
            return f"{file}: some values are read as missing, because the query cannot use them: {_sentence(value)}"
        case schema.FileInterpretation(file=file, changed_columns=changed) if changed:
            return f"{file}: its columns have changed since it was last read: {', '.join(changed)}."
        case schema.FileInterpretation(file=file, encoding=encoding, skipped_lines=skipped, renamed_columns=renamed):
            parts = [f"its encoding is {encoding}"] if encoding else []
            parts += [f"{plural(skipped, 'line')} above the header line skipped"] if skipped else []
            parts += [f"columns of one name numbered ({', '.join(renamed)})"] if renamed else []
            return f"{file} is read as follows: {', '.join(parts)}."


def _policy_line(warning: schema.UnknownPolicyName | schema.RiskWithoutRules | schema.UnknownResponsible) -> str:
    match warning:
        case schema.UnknownResponsible(cases=cases, people=people):
            verb = "belongs" if cases == 1 else "belong"
            return (
                f"{plural(cases, 'open case')} {verb} to people who are not in the policy ({', '.join(people)}): "
                "`rescue people reassign` gives them to the people on duty."
            )
        case schema.UnknownPolicyName(place=place, kind=kind, name=name, known=known):
            return f"{place} of the policy names the {kind} {name!r}, which no account has; {suggest_name(name, known)}"
        case schema.RiskWithoutRules(risk=risk):
            return f"The policy has no table [risks.{risk}], so default rules apply to it (docs/policy.md)."


def _model_line(
    warning: schema.RiskNotPredicted
    | schema.NoModel
    | schema.NoSignal
    | schema.NotBetter
    | schema.RegistryUnavailable
    | schema.UpliftNotUsed,
) -> str:
    risk = warning.risk.replace("_", " ").capitalize()
    if isinstance(warning, schema.RiskNotPredicted):
        return f"{risk} is not predicted: the source has no table {warning.table}, which shows what is predicted."
    reason = _sentence(warning.reason)
    match warning:
        case schema.NoModel():
            again = "Every night tries again; until then the policy's triggers raise cases."
            return f"{risk}: nobody was scored. {reason} {again}"
        case schema.NoSignal(base_rate=base_rate):
            return (
                f"{risk}: {reason} Every account gets the base rate of {base_rate:.1%}, so revenue and the policy's "
                "triggers decide the order of the queue."
            )
        case _:
            return f"{risk}: {reason}"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _outliers_line(warning: schema.TimestampOutliers) -> str:
    days = day_text(warning.first)
    if warning.last != warning.first:
        days = f"{days} to {day_text(warning.last)}"
    return (
        f"{warning.table}: {plural(warning.rows, 'row')} with a known_at of {days}, long after all other rows. A clock "
        "of the source is wrong. These rows are used from that day on; they do not change the date of the night."
    )


def stale_text(feed: schema.FeedReport) -> str:
    """What is wrong with a stale feed, without a full stop, so that it can be part of a list."""
    if feed.age_days is None:
        return f"{feed.table} has delivered no row yet"
    return f"{feed.table} has no row newer than {plural(feed.age_days, 'day')}"


def feed_problem(feed: schema.FeedReport) -> str:
    """What is wrong with a feed, without a full stop; empty where it is neither stale nor late."""
    return stale_text(feed) if feed.stale else delivery_text(feed) if feed.late else ""


def late_lines(feeds: Sequence[schema.FeedReport]) -> list[str]:
    """One sentence about the feeds that are late by their own rhythm."""
    if len(feeds) < 2:
        return [late_text(feed) for feed in feeds]
    each = ", ".join(f"{feed.table} ({_newest_delivery(feed)})" for feed in feeds)
    return [f"Feeds are late, and measured up to the day of their newest delivery: {each}."]


def late_text(feed: schema.FeedReport) -> str:
    """That a feed is late by its own rhythm, as a sentence."""
    usual = plural(feed.late_after_days or 0, "day")
    late = f"{delivery_text(feed)}; on this weekday that is usually at most {usual} ago."
    return late if feed.stale else f"{late} What is measured from it is as of the day after, not of the days since."


def delivery_text(feed: schema.FeedReport) -> str:
    """Since when a feed has delivered nothing, without a full stop: a row of today may be about an earlier day."""
    rows = f"only {plural(feed.rows_since, 'row')}" if feed.rows_since else "nothing"
    return f"{feed.table} has delivered {rows} since {_newest_delivery(feed)}"


def _newest_delivery(feed: schema.FeedReport) -> str:
    return day_text(feed.newest_on) if feed.newest_on else "no day"


def risk_line(risk: schema.RiskReport) -> str:
    """How many accounts were scored for a risk, and why the others were not."""
    reasons = "; ".join(not_scored_text(row) for row in risk.not_scored)
    line = f"{risk.title}: {plural(risk.scored, 'account')} scored"
    if risk.scored_with_unknown:
        line += f", {risk.scored_with_unknown:,} of them with a value that was never unknown in training"
    return f"{line}. Not scored: {reasons}." if reasons else f"{line}."


def not_scored_text(row: schema.NotScored) -> str:
    """How many accounts were not scored for one reason: part of a sentence."""
    if row.code == "missing_values":
        named = [FEATURE_TITLES.get(name, name) for name in row.features[:ENOUGH_NAMED]]
        more = len(row.features) - len(named)
        names = ", ".join(named) + (f" and {more} more" if more else "")
        return f"{row.count:,} without a usable value of {names}"
    return f"{row.count:,} {NOT_SCORED.get(row.code, row.text)}"


def quarantine_text(table: schema.TableRows) -> str:
    """The rules that rows of a table broke, with counts: part of a table."""
    return ", ".join(f"{rule.replace('_', ' ')} ({count:,})" for rule, count in table.quarantined.items())


def extension_line(extension: schema.ExtensionReport) -> str:
    """An extension with what it declares: "extensions/trainings.py (3f2a91c0): features trainings_90d."."""
    parts = {kind: getattr(extension, kind) for kind in ("features", "tables", "risks", "learners")}
    declared = "; ".join(f"{kind} {', '.join(names)}" for kind, names in parts.items() if names)
    return f"{extension.file} ({extension.digest[:8]}): {declared or 'nothing'}."
