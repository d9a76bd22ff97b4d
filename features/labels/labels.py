"""What happened next: the label of every eligible account at every cutoff, or why it is not known.

A label must never change once it is given, or yesterday's evaluation means nothing today. So each cutoff has a
*verdict*: the instant at which its lead, its window and (by contract) its days of grace are over. A label is unknown
until the data pass that instant, and is then judged by what our copy knew up to it; a return or a late row that is
learned afterwards comes too late to change it. All cutoffs are answered by one query.
"""

from collections.abc import Sequence
from datetime import date

import pyarrow as pa

from features.contract import TABLES
from features.history.history import History
from features.history.versions import key_of, known_moment, literal, order_of
from features.labels.eligibility import cutoff_rows, eligibility, standings, with_ids
from features.labels.events import happenings
from features.labels.label_rule import LabelRule

__all__ = ["LabelRule", "eligibility", "label"]


def label(
    history: History, cutoffs: Sequence[date], rule: LabelRule, *, accounts: Sequence[str] | None = None
) -> pa.Table:
    """What came of each account that was eligible at each cutoff; of ``accounts`` alone, where they are given.

    Returns, ordered by cutoff and account: ``account_id``, ``as_of``, ``event`` (bool; null where it is not known),
    ``unknown`` (why not, in words), ``event_at`` (UTC), ``treated`` (the rescue team acted on the account between the
    cutoff and the end of the window, and did not take it back), ``holdout`` (it was held out of a rescue then).
    """
    wanted = "true" if accounts is None else "account IN (SELECT account FROM numbered JOIN asked USING (account_id))"
    found = history.query(
        f"""
        WITH asked AS (SELECT unnest(CAST(? AS VARCHAR[])) AS account_id), {standings(history, rule)},
        {cutoff_rows(cutoffs, rule)}, {happenings(history, rule)}, {_HITS}, {_ACTS}
        SELECT account, as_of, {_verdict(history, rule)},
            coalesce(acts.treated, false) AS treated, coalesce(acts.holdout, false) AS holdout
        FROM (
            SELECT account, cutoff.* FROM standing JOIN cutoff ON since < opened AND opened <= until
            WHERE eligible AND {wanted}
        )
        LEFT JOIN hits USING (account, as_of) LEFT JOIN acts USING (account, as_of)
        ORDER BY as_of, account
    """,
        [list(accounts or ())],
    )
    return with_ids(history, found)


_HITS = """
        hits AS (
            SELECT account, as_of,
                min(moment) FILTER (moment > lead_over) AS first_at,
                min(moment) FILTER (moment <= lead_over) AS early_at
            FROM happening JOIN cutoff ON moment >= opened AND moment <= closed
            WHERE known <= verdict AND (void IS NULL OR void > verdict)
            GROUP BY account, as_of
        )"""

IDLE = ("none", "held_out", "withdrawn")
"""Actions of the ``outcomes`` that nobody did for the customer: looked at, kept from the team, taken back."""

_ACTS = f"""
        acts AS (
            SELECT account, as_of, bool_or(holdout) AS holdout,
                bool_or(coalesce(action, 'none') NOT IN {IDLE} AND NOT holdout) AS treated
            FROM (
                SELECT account, decided_at, action, coalesce(holdout, false) AS holdout,
                    {known_moment(TABLES["outcomes"])} AS known,
                    lead(known) OVER (PARTITION BY {key_of(TABLES["outcomes"])} ORDER BY {order_of(TABLES["outcomes"])})
                        AS replaced
                FROM outcomes JOIN numbered USING (account_id)
            ) JOIN cutoff ON decided_at >= opened AND decided_at <= closed
            WHERE known <= verdict AND (replaced IS NULL OR replaced > verdict)
            GROUP BY account, as_of
        )"""


def _verdict(history: History, rule: LabelRule) -> str:
    """The columns ``event``, ``unknown`` and ``event_at``."""
    ripe = f"verdict < {literal(history.until)}"
    waiting = "'not settled until the data pass ' || CAST(CAST(verdict AS DATE) AS VARCHAR)"
    if rule.kind == "silence":
        return f"""
            CASE WHEN {ripe} THEN first_at IS NULL END AS event, CASE WHEN NOT ({ripe}) THEN {waiting} END AS unknown,
            CASE WHEN {ripe} AND first_at IS NULL THEN closed END AS event_at"""
    too_late = "'too late to act on: it happened on ' || CAST(CAST(early_at AS DATE) AS VARCHAR)"
    return f"""
            CASE WHEN {ripe} AND early_at IS NULL THEN first_at IS NOT NULL END AS event,
            CASE WHEN NOT ({ripe}) THEN {waiting} WHEN early_at IS NOT NULL THEN {too_late} END AS unknown,
            CASE WHEN {ripe} AND early_at IS NULL THEN first_at END AS event_at"""
