"""What happened to accounts, by kind of risk: escalations, decisions to leave, and signs of life.

Each kind is told as rows ``(account, moment, known, void)``: when it happened, when our copy knew it, and when it
turned out not to hold (a notice taken back, a new subscription), which only counts if known before the verdict.
"""

from features.contract import TABLES
from features.history.history import History
from features.history.versions import known_moment
from features.labels.label_rule import LabelRule


def happenings(history: History, rule: LabelRule) -> str:
    """CTEs that end in ``happening``. They stand after those of :func:`features.labels.eligibility.standings`."""
    if rule.kind == "escalation":
        return _ESCALATIONS
    if rule.kind == "silence":
        return "happening AS (SELECT account, moment, known, CAST(NULL AS TIMESTAMP) AS void FROM sign)"
    return _decisions(rule.grace)


_ESCALATIONS = f"""
        ticket AS (
            SELECT ticket_id, arg_min(account_id, {known_moment(TABLES["tickets"])}) AS account_id,
                min({known_moment(TABLES["tickets"])}) AS ticket_known
            FROM tickets GROUP BY ticket_id
        ),
        happening AS (
            SELECT account, occurred_at AS moment,
                greatest({known_moment(TABLES["ticket_events"])}, ticket_known) AS known,
                CAST(NULL AS TIMESTAMP) AS void
            FROM ticket_events JOIN ticket USING (ticket_id) JOIN numbered USING (account_id)
            WHERE kind = 'escalated'
        )"""


def _decisions(grace: int) -> str:
    """The moments at which an account's last running subscription got an end, and when each was undone.

    A decision is undone by a version learned after it, of a subscription that starts no later than ``grace`` days after
    the end, if that version has no end (the notice taken back, or another subscription), or is of a subscription that
    is new to us and runs past the end. The end is the one our copy knew of when it learned that version.
    """
    return f"""
        before AS (
            SELECT account, moment, grounds, lag(grounds) OVER (PARTITION BY account ORDER BY moment) AS grounds_before
            FROM added
        ),
        decision AS (
            SELECT DISTINCT account, moment
            FROM before JOIN version USING (account)
            WHERE grounds = 0 AND grounds_before > 0 AND version.known = moment AND version.ended IS NOT NULL
        ),
        later AS (
            SELECT decision.account, moment, subscription, known, started, ended,
                moment < min(known) OVER (PARTITION BY decision.account, moment, subscription) AS is_new
            FROM decision JOIN version USING (account)
        ),
        comeback AS (
            SELECT DISTINCT account, moment, known, started, ended FROM later
            WHERE known > moment AND (ended IS NULL OR is_new)
        ),
        last_end AS (
            SELECT comeback.account, comeback.moment, comeback.known, later.subscription,
                arg_max(later.ended, later.known) AS ended
            FROM comeback JOIN later USING (account, moment)
            WHERE NOT later.is_new AND later.known <= comeback.known GROUP BY ALL
        ),
        undone AS (
            SELECT account, moment, min(known) AS void
            FROM comeback JOIN (SELECT account, moment, known, max(ended) AS ends FROM last_end GROUP BY ALL)
                USING (account, moment, known)
            WHERE started <= ends + INTERVAL {grace} DAY AND (ended IS NULL OR ended > ends)
            GROUP BY account, moment
        ),
        happening AS (
            SELECT account, moment, moment AS known, void FROM decision LEFT JOIN undone USING (account, moment)
        )"""
