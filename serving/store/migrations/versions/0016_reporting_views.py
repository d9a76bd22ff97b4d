"""Reporting views for business-intelligence tools, version 1: their names and columns do not change any more.

A later version of Rescue may add views of a version 2 beside them; docs/how-to/business-intelligence.md describes each
column. Times are UTC. Entries of the record that were undone do not count. Ticket text, hand-offs and people's
addresses are in none of them.

Revision: 0016, after 0015.
"""

from alembic import op

revision = "0016"
down_revision = "0015"

CASES = """
CREATE VIEW report_v1_cases AS
SELECT cases.id AS case_id, cases.account_id, accounts.name AS account_name, accounts.parent_id AS account_group,
    accounts.segment, accounts.industry, accounts.region, accounts.owner AS account_owner, cases.risk, cases.lane,
    cases.state, CASE WHEN cases.closed_at IS NULL THEN 1 ELSE 0 END AS is_open, cases.squad, cases.owner, cases.skill,
    cases.severity, cases.priority, cases.probability, cases.at_stake, cases.revenue, accounts.currency,
    cases.first_reason, cases.renews_on, cases.ends_on, cases.opened_on, cases.raised_on, cases.raises, cases.opened_at,
    cases.responded_at AS contacted_at, cases.respond_by, cases.resolve_by, cases.closed_at,
    cases.closure AS closed_by_night_because, cases.policy_version
FROM cases JOIN accounts ON accounts.account_id = cases.account_id
"""

CHANGES = """
CREATE VIEW report_v1_case_changes AS
SELECT entries.id AS change_id, entries.case_id, cases.account_id, entries.at AS changed_at, entries.actor,
    entries.kind, {state_before} AS state_before, {state_after} AS state_after, {squad_after} AS squad_after,
    {owner_after} AS owner_after, entries.version
FROM case_events AS entries JOIN cases ON cases.id = entries.case_id
LEFT JOIN case_events AS undone ON undone.undoes = entries.id
WHERE undone.id IS NULL AND entries.undoes IS NULL
"""

SCORES = """
CREATE VIEW report_v1_scores AS
SELECT scores.as_of, scores.account_id, accounts.name AS account_name, accounts.segment, accounts.region, scores.risk,
    scores.probability, scores.model_version, CASE WHEN scores.quality IS NULL THEN 1 ELSE 0 END AS all_values_known
FROM scores JOIN accounts ON accounts.account_id = scores.account_id
"""

OUTCOMES = """
CREATE VIEW report_v1_outcomes AS
SELECT cases.id AS case_id, cases.account_id, accounts.segment, accounts.region, cases.risk, cases.lane, cases.squad,
    cases.owner, cases.severity, cases.policy_version, cases.state AS outcome,
    CASE WHEN cases.closure IS NULL THEN 'team' ELSE 'night' END AS closed_by,
    cases.opened_at, cases.closed_at, coalesce(cases.at_stake, cases.estimated_revenue) AS revenue,
    CASE WHEN cases.at_stake IS NULL THEN 1 ELSE 0 END AS revenue_is_estimated, accounts.currency,
    CASE WHEN cases.state = 'saved' THEN coalesce(cases.at_stake, cases.estimated_revenue) ELSE 0 END AS revenue_saved,
    CASE WHEN cases.state = 'lost' THEN coalesce(cases.at_stake, cases.estimated_revenue) ELSE 0 END AS revenue_lost,
    cases.settled_on AS contract_ended_on
FROM cases JOIN accounts ON accounts.account_id = cases.account_id
WHERE cases.closed_at IS NOT NULL
"""

SLA = """
CREATE VIEW report_v1_sla AS
SELECT case_id, account_id, risk, squad, skill, severity, policy_version, lane, opened_at, accepted_at, contacted_at,
    closed_at, outcome, hours_to_accept, hours_to_contact, hours_to_resolve, respond_by, resolve_by, response_breached,
    resolution_breached, returns, hand_overs, escalations
FROM path_report
"""

NIGHTS = """
CREATE VIEW report_v1_nights AS
SELECT nights.as_of, nights.started_at, nights.recorded_at, nights.policy_version,
    {accounts} AS accounts, {flagged} AS cases_opened, {raised_again} AS cases_raised_again,
    {waiting} AS without_a_place, {held_out} AS held_out, {cancellations} AS cancellations,
    {partial_losses} AS partial_losses
FROM nights WHERE nights.status = 'recorded'
"""

ENROLMENTS = """
CREATE VIEW report_v1_enrolments AS
SELECT enrolments.unit, enrolments.account_id, enrolments.risk, enrolments.as_of AS enrolled_on,
    CASE WHEN enrolments.held_out THEN 'held out' ELSE 'worked' END AS arm, enrolments.share AS share_held_out,
    enrolments.stratum, enrolments.probability, enrolments.revenue, enrolments.expected_value
FROM enrolments WHERE enrolments.share IS NOT NULL
"""

EFFECT = """
CREATE VIEW report_v1_effect AS
SELECT monitored.as_of, {risk} AS risk, {worked} AS worked, {worked_settled} AS worked_settled,
    {worked_events} AS worked_events, {held_out} AS held_out, {held_out_settled} AS held_out_settled,
    {held_out_events} AS held_out_events, {difference} AS difference, {difference_low} AS difference_low,
    {difference_high} AS difference_high, {revenue_saved} AS revenue_saved, {revenue_low} AS revenue_saved_low,
    {revenue_high} AS revenue_saved_high, {currency} AS currency, {answer_on} AS answer_expected_on
FROM monitor_reports AS monitored, {each_risk}
"""
EFFECT_COLUMNS = {
    "worked": ("worked", "accounts", "INTEGER"),
    "worked_settled": ("worked", "settled", "INTEGER"),
    "worked_events": ("worked", "events", "INTEGER"),
    "held_out": ("held_out", "accounts", "INTEGER"),
    "held_out_settled": ("held_out", "settled", "INTEGER"),
    "held_out_events": ("held_out", "events", "INTEGER"),
    "difference": ("difference", "value", "DOUBLE PRECISION"),
    "difference_low": ("difference", "low", "DOUBLE PRECISION"),
    "difference_high": ("difference", "high", "DOUBLE PRECISION"),
    "revenue_saved": ("revenue", "value", "DOUBLE PRECISION"),
    "revenue_low": ("revenue", "low", "DOUBLE PRECISION"),
    "revenue_high": ("revenue", "high", "DOUBLE PRECISION"),
}

COUNTS = ("accounts", "flagged", "raised_again", "waiting", "held_out", "cancellations", "partial_losses")


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for view in (CASES, SCORES, OUTCOMES, SLA, ENROLMENTS):
        op.execute(view)
    entry = {
        f"{field}_{moment}": _json(f'entries."{moment}"', (field,), sqlite)
        for field in ("state", "squad", "owner")
        for moment in ("before", "after")
    }
    op.execute(CHANGES.format(**entry))
    op.execute(NIGHTS.format(**{name: _count(name, sqlite) for name in COUNTS}))
    op.execute(EFFECT.format(**_effect(sqlite)))


def _effect(sqlite: bool) -> dict[str, str]:
    """The columns of the newest effect, which the reports of the monitor have for each risk."""
    figures = {
        name: f"CAST({_json('each_risk.value', ('effect', part, figure), sqlite)} AS {kind})"
        for name, (part, figure, kind) in EFFECT_COLUMNS.items()
    }
    expand = (
        "json_each(monitored.report, '$.risks')" if sqlite else "json_array_elements(monitored.report::json -> 'risks')"
    )
    return {
        **figures,
        "risk": _json("each_risk.value", ("risk",), sqlite),
        "currency": _json("each_risk.value", ("effect", "currency"), sqlite),
        "answer_on": _json("each_risk.value", ("effect", "answer_on"), sqlite),
        "each_risk": f"{expand} AS each_risk" + ("" if sqlite else "(value)"),
    }


def _count(name: str, sqlite: bool) -> str:
    return f"CAST({_json('nights.report', ('decision', name), sqlite)} AS INTEGER)"


def _json(column: str, path: tuple[str, ...], sqlite: bool) -> str:
    if sqlite:
        return f"json_extract({column}, '$.{'.'.join(path)}')"
    return f"({column}::json #>> '{{{','.join(path)}}}')"
