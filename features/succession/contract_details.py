"""What a status rests on, in SQL: which contracts run, which endings are continued, and what that is worth.

One row for each question and account with a contract. ``continued`` pairs an ending with each contract that continues
it, whether it names it or starts near its end; a contract that ends no later continues nothing. The same rule answers
whether a renewal date that has passed was followed by a new contract.
"""

from features.history.history import History
from features.succession.contract_status import GRACE_DAYS, LEAVING, LEFT, RUNNING, statuses


def contract_details(history: History, grace: int = GRACE_DAYS) -> str:
    """CTEs that end in ``contract_detail``: the columns of :func:`features.succession.succession.succession_at`.

    They follow ``version``, ``member`` and ``question``.
    """
    return f"""
        {statuses(history, grace)},
        due AS (
            SELECT account, instant, subscription, started, ends,
                coalesce(ends, CASE WHEN renews < instant THEN renews END) AS due
            FROM staying
        ),
        continued AS (
            SELECT s.account, s.instant, s.subscription, c.subscription AS successor
            FROM due AS s JOIN due AS c USING (account, instant)
            WHERE s.due IS NOT NULL AND c.subscription <> s.subscription
                AND c.started BETWEEN s.due - INTERVAL {grace} DAY AND s.due + INTERVAL {grace} DAY
                AND (c.ends IS NULL OR c.ends > s.due) AND (s.ends IS NOT NULL OR c.started > s.started)
            UNION
            SELECT account, instant, subscription, successor FROM named
        ),
        {_CONTRACTS}, {_DETAILS}"""


_CONTRACTS = f"""
        continuation AS (SELECT account, instant, subscription, list(successor ORDER BY successor) AS successors
            FROM continued GROUP BY account, instant, subscription),
        continuing AS (SELECT DISTINCT account, instant, successor AS subscription, true AS continues FROM continued),
        contract AS (
            SELECT s.*, status, leaves_at, present, CAST(instant AS DATE) AS today, CAST(renews AS DATE) AS renews_on,
                successors, continues IS NOT NULL AS continues,
                started < instant AND (ends IS NULL OR ends >= instant) AS runs,
                CASE status WHEN '{LEFT}' THEN ends = leaves_at
                    WHEN '{LEAVING}' THEN present AND ends >= instant AND successors IS NULL
                    WHEN '{RUNNING}' THEN runs AND ends IS NOT NULL AND successors IS NULL AND NOT moved
                    ELSE false END AS lost,
                ends IS NULL AND present AND (runs OR continues) AS goes_on
            FROM staying AS s JOIN account_status USING (account, instant) JOIN stay USING (account, instant, stay)
                LEFT JOIN continuation USING (account, instant, subscription)
                LEFT JOIN continuing USING (account, instant, subscription)
        )"""

_VALUED = "runs OR (present AND started >= instant AND continues AND NOT any_runs)"
"""Between an ending and its successor, the successor's revenue is the account's."""

_DETAILS = f"""
        contract_detail AS (
            SELECT account, instant, any_value(status) AS status, any_value(leaves_at) AS leaves_at,
                max(end_known) FILTER (lost) AS end_known, sum(arr) FILTER (lost) AS ending_revenue,
                min(ends) FILTER (lost) AS first_end, count(*) FILTER (lost) AS losses,
                CASE WHEN min(currency) FILTER (priced) IS NOT DISTINCT FROM max(currency) FILTER (priced)
                    THEN sum(arr) FILTER (priced) END AS revenue,
                CASE WHEN min(currency) FILTER (priced) = max(currency) FILTER (priced)
                    THEN min(currency) FILTER (priced)
                    WHEN count(*) FILTER (priced) = 0 AND min(currency) FILTER (valued) = max(currency) FILTER (valued)
                    THEN min(currency) FILTER (valued) END AS currency,
                max(withdrawn) FILTER (runs AND goes_on) AS withdrawn,
                min(renews_on) FILTER (goes_on AND renews_on >= today) AS renewal_date,
                min(renews_on) FILTER (goes_on AND runs AND renews_on < today AND successors IS NULL) AS overdue_since,
                list(subscription ORDER BY subscription) FILTER (lost) AS ending_subscriptions,
                list_sort(list_distinct(flatten(
                    list(successors) FILTER (successors IS NOT NULL AND present)
                ))) AS successor_subscriptions,
                arg_max(successor_account, ends) FILTER (moved) AS successor_account
            FROM (
                SELECT *, {_VALUED} AS valued, valued AND arr IS NOT NULL AS priced
                FROM (SELECT *, bool_or(runs) OVER (PARTITION BY account, instant) AS any_runs FROM contract)
            )
            GROUP BY account, instant
        )"""

_DAY = "coalesce(CAST(CAST({} AS DATE) - DATE '1970-01-01' AS DOUBLE), 'NaN'::DOUBLE)"
_HAS_CONTRACT = f"d.status IN ('{RUNNING}', '{LEAVING}')"

NUMBERS = f"""
            {_DAY.format("d.renewal_date")} AS renewal_day,
            {_DAY.format("d.overdue_since")} AS overdue_day,
            {_DAY.format(f"CASE WHEN {_HAS_CONTRACT} THEN d.first_end END")} AS first_end_day,
            CASE WHEN {_HAS_CONTRACT} THEN CAST(d.losses AS DOUBLE) ELSE 0 END AS endings,
            coalesce(CASE WHEN d.status = '{RUNNING}' AND d.losses = 0 THEN 0.0
                WHEN d.status = '{RUNNING}' THEN d.ending_revenue / nullif(d.revenue, 0) END, 'NaN'::DOUBLE)
                AS partial_loss"""
"""Numbers for features, of ``contract_detail AS d``: days since 1970, and NaN where there is none."""
