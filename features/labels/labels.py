"""What happened next: the label of every eligible account at every cutoff, or why it is not known.

A label must never change once it is given, or yesterday's evaluation means nothing today. So the label of each cutoff
*matures*: at the instant at which its lead, its window and (where the rule has one) its grace are over. A label is
unknown until the data pass that instant, and then rests on what our copy knew up to it; a return or a late row that is
learned afterwards comes too late to change it. All cutoffs are answered by one query.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

import pyarrow as pa

from features.contract import TABLES
from features.history.cache_files import cache_key
from features.history.feed_rhythm import days_behind
from features.history.history import History
from features.history.versions import date_literal, known_instant, version_key, version_order
from features.labels.eligibility import cutoff_rows, eligibility, with_ids
from features.labels.events import events, events_name, hits
from features.labels.label_rule import LabelRule

__all__ = ["LabelRule", "eligibility", "label", "label_query", "labels_by_cutoffs"]


def label(
    history: History, cutoffs: Sequence[date], rule: LabelRule, *, accounts: Sequence[str] | None = None
) -> pa.Table:
    """The label of each account that was eligible at each cutoff; of ``accounts`` alone, where they are given.

    Returns, ordered by cutoff and account: ``account_id``, ``as_of``, ``event`` (bool; null where it is not known),
    ``unknown`` (why not, in words), ``event_at`` (UTC; also of an event inside the lead, whose label is unknown),
    ``treated`` (the rescue team acted on the account between the cutoff and the end of the window, and did not take it
    back), ``holdout`` (it was held out of a rescue then), ``selected`` (it could have been held out, as recorded, and
    was not), ``held_probability`` (the probability with which it was left alone, by the recorded draws of the hold-out;
    null where none is recorded), ``held_draws`` (how often it was held out before anybody acted on it), ``decided_at``
    (UTC; the first decision about it in the window, whatever it was).
    """
    wanted = (
        "true"
        if accounts is None
        else "account IN (SELECT account FROM numbered JOIN requested_account USING (account_id))"
    )
    requested = "requested_account AS (SELECT unnest(CAST(? AS VARCHAR[])) AS account_id)"
    query = label_query(history, cutoffs, rule, f"{requested}, {events(history, rule)}", wanted)
    return with_ids(history, history.query(query, [list(accounts or ())]))


def labels_by_cutoffs(history: History, blocks: Iterable[Sequence[date]], rule: LabelRule) -> Iterator[pa.Table]:
    """The labels at some cutoffs after the other, where those of all do not fit into memory; see :func:`label`.

    What does not depend on a cutoff (who was eligible when, and all events) is computed once.
    """
    facts = ("numbered", "eligibility_interval", events_name(rule))
    names = {fact: f"label_{cache_key(rule)[:16]}_{fact}" for fact in facts}
    cursor = history.connection.cursor()
    try:
        for fact, name in names.items():
            cursor.execute(f"CREATE OR REPLACE TABLE {name} AS WITH {events(history, rule)} SELECT * FROM {fact}")
        known = ", ".join(f"{fact} AS (SELECT * FROM {name})" for fact, name in names.items())
        for cutoffs in blocks:
            yield with_ids(history, history.query(label_query(history, cutoffs, rule, known)))
    finally:
        for name in names.values():
            cursor.execute(f"DROP TABLE IF EXISTS {name}")


def label_query(
    history: History, cutoffs: Sequence[date], rule: LabelRule, through_time: str = "", wanted: str = "true"
) -> str:
    """The query of :func:`label`, with the dense number of each account instead of its id.

    ``through_time`` are CTEs of what does not depend on a cutoff, where it is not to be computed; ``wanted`` is a
    condition of the accounts.
    """
    return f"""
        WITH {through_time or events(history, rule)}, {cutoff_rows(cutoffs, rule)}, {hits(rule)}, {_ACTIONS}
        SELECT account, as_of, {_label_columns(history, rule)},
            coalesce(actions.treated, false) AS treated, coalesce(actions.holdout, false) AS holdout,
            coalesce(actions.selected, false) AS selected, actions.held_probability,
            coalesce(actions.held_draws, 0) AS held_draws, actions.decided_at
        FROM (
            SELECT account, cutoff.* FROM eligibility_interval JOIN cutoff ON since < opened AND opened <= until
            WHERE eligible AND {wanted}
        )
        LEFT JOIN hits USING (account, as_of) LEFT JOIN actions USING (account, as_of)
        ORDER BY as_of, account
    """


IDLE = ("none", "held_out", "selected", "withdrawn")
"""Actions of the ``outcomes`` that are no treatment: none, held out, selected for the queue, withdrawn."""

_ACTIONS = f"""
        outcome AS (
            SELECT account, as_of, decided_at, holdout,
                coalesce(action, 'none') NOT IN {IDLE} AND NOT holdout AS acted,
                draw_probability, coalesce(draw, CAST(decided_at AS VARCHAR)) AS draw
            FROM (
                SELECT account, decided_at, action, coalesce(holdout, false) AS holdout, draw_probability, draw,
                    {known_instant(TABLES["outcomes"])} AS known,
                    lead({known_instant(TABLES["outcomes"])}) OVER (
                        PARTITION BY {version_key(TABLES["outcomes"])} ORDER BY {version_order(TABLES["outcomes"])}
                    ) AS replaced
                FROM outcomes JOIN numbered USING (account_id)
            ) JOIN cutoff ON decided_at >= opened AND decided_at <= closed
            WHERE known <= matures AND (replaced IS NULL OR replaced > matures)
        ),
        outcome_draw AS (
            SELECT account, as_of, draw, bool_or(holdout) AS holdout, bool_or(acted) AS acted,
                min(decided_at) FILTER (WHERE holdout) AS held_at, min(draw_probability) AS probability,
                min(decided_at) FILTER (WHERE holdout OR acted OR draw_probability IS NOT NULL) AS decided_at
            FROM outcome GROUP BY account, as_of, draw
        ),
        first_action AS (
            SELECT account, as_of, min(decided_at) AS acted_at FROM outcome WHERE acted GROUP BY account, as_of
        ),
        actions AS (
            SELECT account, as_of, bool_or(holdout) AS holdout, bool_or(acted) AS treated,
                bool_or(probability IS NOT NULL AND NOT holdout) AS selected, product(probability) AS held_probability,
                count(*) FILTER (WHERE held_at < coalesce(acted_at, TIMESTAMP 'infinity')) AS held_draws,
                min(decided_at) AS decided_at
            FROM outcome_draw LEFT JOIN first_action USING (account, as_of)
            GROUP BY account, as_of
        )"""


def _label_columns(history: History, rule: LabelRule) -> str:
    """The columns ``event``, ``unknown`` and ``event_at``."""
    mature = f"matures < {date_literal(_known_until(history, rule))}"
    waiting = "'not mature until the data pass ' || CAST(CAST(matures AS DATE) AS VARCHAR)"
    if rule.kind == "silence":
        return f"""
            CASE WHEN {mature} THEN first_at IS NULL END AS event,
            CASE WHEN NOT ({mature}) THEN {waiting} END AS unknown,
            CASE WHEN {mature} AND first_at IS NULL THEN closed END AS event_at"""
    too_late = "'too late to act on: it happened on ' || CAST(CAST(early_at AS DATE) AS VARCHAR)"
    return f"""
            CASE WHEN {mature} AND early_at IS NULL THEN first_at IS NOT NULL END AS event,
            CASE WHEN NOT ({mature}) THEN {waiting} WHEN early_at IS NOT NULL THEN {too_late} END AS unknown,
            CASE WHEN {mature} THEN coalesce(early_at, first_at) END AS event_at"""


def _known_until(history: History, rule: LabelRule) -> date:
    """The end of the data; of a late feed whose rows decide, the day after its newest row: its silence is no answer."""
    tables = {"silence": rule.active_on, "event": (rule.table,), "overdue": ("invoices",)}.get(rule.kind, ())
    behind = (days_behind(history, history.until, table) for table in tables)
    return history.until - timedelta(days=max(behind, default=0))
