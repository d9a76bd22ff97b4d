"""The status of an account in SQL: running, leaving, left or none, at any instants and as known just before each.

A CTE ``question`` (account, instant) says when to look. The contracts that our copy knew then are joined to *stays*:
contracts that overlap, follow each other within the days of grace, or name the one that they replace. An account runs
while a contract of its present stay has no end, and leaves when the stay has one.
"""

from features.history.history import History
from features.succession.contract_versions import MEMBERS, contract_versions, has_replacements, newest_known

GRACE_DAYS = 30
"""A contract that starts so many days before or after the end of another one continues it."""

RUNNING, LEAVING, LEFT, NONE = "running", "leaving", "left", "none"
"""The statuses of an account."""

AT_ONCE = "INTERVAL 1 MICROSECOND"
"""What is learned at an instant is known from this much later."""


def status_intervals(history: History, grace: int) -> str:
    """CTEs that end in ``status_interval``: account, since, until, status, leaves_at.

    An interval holds at the cutoffs with ``since < T <= until``, and says what was known before them. The CTEs follow
    ``numbered``; among them are ``version`` and ``staying``: every contract with its stay, as known just after
    ``since``.
    """
    return f"""
        {questions_through_time(history)},
        {statuses(history, grace)},
        status_interval AS (
            SELECT account, instant - {AT_ONCE} AS since, status, leaves_at,
                lead(instant, 1, TIMESTAMP 'infinity') OVER (PARTITION BY account ORDER BY instant) - {AT_ONCE} AS until
            FROM account_status
        )"""


def questions_through_time(history: History, name: str = "question", accounts: str = "true") -> str:
    """CTEs that end in ``name``: just after each moment at which something about an account's contracts changes.

    ``accounts`` is a condition of the accounts that the questions are about.
    """
    return f"""
        {contract_versions(history, accounts=accounts)}, {MEMBERS}, {_MOMENTS.format(others=_other_moments(history))},
        {name} AS (SELECT account, moment + {AT_ONCE} AS instant FROM moment WHERE moment IS NOT NULL)"""


_MOMENTS = f"""
        moment AS (
            SELECT DISTINCT account, moment FROM (
                SELECT account, known AS moment FROM version
                UNION ALL SELECT account, superseded FROM version WHERE superseded IS NOT NULL
                UNION ALL SELECT account, started FROM version
                UNION ALL SELECT account, ended FROM version WHERE ended IS NOT NULL
                UNION ALL SELECT account, CAST(renews AS DATE) + INTERVAL 1 DAY - {AT_ONCE} FROM version
                    WHERE renews IS NOT NULL
                {{others}}
            )
        )"""


def _other_moments(history: History) -> str:
    """When another account's contract that replaces one of this account becomes known, changes, or joins the group."""
    if not has_replacements(history):
        return ""
    replaced = (
        "version AS s JOIN version AS c ON c.replaces = s.subscription AND c.account <> s.account "
        "JOIN member AS m ON m.account IN (s.account, c.account)"
    )
    return f"""
                UNION ALL SELECT s.account, unnest([c.known, c.superseded, c.started, m.known]) FROM {replaced}"""


def statuses(history: History, grace: int) -> str:
    """CTEs that end in ``account_status``: account, instant, status and ``leaves_at``, for every question.

    They follow ``version``, ``member`` and ``question``. Among them are ``named`` (the contracts that name the one
    that they replace) and ``staying``: each known contract with its end (``ends``; that of a contract without one
    that was replaced is the start of its successor) and its ``stay``.
    """
    return f"""
        {_NAMED if has_replacements(history) else _NOTHING_NAMED},
        known_contract AS (
            SELECT question.account, instant, subscription, started, ended, renews, arr, currency, end_known, withdrawn
            FROM question JOIN version ON version.account = question.account
                AND {newest_known("version", "question")}
        ),
        replaced AS (
            SELECT account, instant, subscription, min(successor_started) AS begins,
                bool_or(successor_account <> account) AS moved, min(successor_account) AS successor_account
            FROM named GROUP BY account, instant, subscription
        ),
        linked AS (SELECT DISTINCT account, instant, successor AS subscription, true AS links FROM named),
        ending AS (
            SELECT k.*, coalesce(moved, false) AS moved, r.successor_account, coalesce(links, false) AS links,
                CASE WHEN ended IS NULL AND begins IS NOT NULL THEN greatest(begins, started) ELSE ended END AS ends
            FROM known_contract AS k LEFT JOIN replaced AS r USING (account, instant, subscription)
                LEFT JOIN linked USING (account, instant, subscription)
        ),
        reaching AS (
            SELECT *, max(coalesce(ends, TIMESTAMP 'infinity')) OVER (
                PARTITION BY account, instant ORDER BY started, subscription
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS reach
            FROM ending
        ),
        staying AS (
            SELECT *, count(*) FILTER (reach IS NULL OR (started - INTERVAL {grace} DAY > reach AND NOT links)) OVER (
                PARTITION BY account, instant ORDER BY started, subscription ROWS UNBOUNDED PRECEDING
            ) AS stay
            FROM reaching
        ),
        {_STAYS}"""


_STAYS = f"""
        stay AS (
            SELECT account, instant, stay, bool_or(ends IS NULL OR moved) AS open, max(ends) AS last_end,
                min(started) < instant AND (bool_or(ends IS NULL) OR last_end >= instant) AS present,
                CASE WHEN NOT bool_or(ends IS NULL) AND last_end < instant THEN last_end END AS ended_at
            FROM staying GROUP BY account, instant, stay
        ),
        account_status AS (
            SELECT account, instant, any_value(open) FILTER (present) AS runs_on, max(ended_at) AS ended_at,
                arg_max(open, ended_at) FILTER (ended_at IS NOT NULL) AS moved_away,
                CASE WHEN runs_on THEN '{RUNNING}' WHEN NOT runs_on THEN '{LEAVING}'
                    WHEN NOT moved_away THEN '{LEFT}' ELSE '{NONE}' END AS status,
                CASE WHEN NOT runs_on THEN max(last_end) FILTER (present)
                    WHEN runs_on IS NULL AND NOT moved_away THEN max(ended_at) END AS leaves_at
            FROM stay GROUP BY account, instant
        )"""

_NAMED = f"""
        replacing AS (
            SELECT q.account, q.instant, s.subscription, c.account AS successor_account, c.subscription AS successor,
                c.started AS successor_started
            FROM question AS q JOIN version AS s ON s.account = q.account AND {newest_known("s", "q")}
                JOIN version AS c ON c.replaces = s.subscription AND {newest_known("c", "q")}
            WHERE c.subscription <> s.subscription AND c.started >= s.started
                AND s.replaces IS DISTINCT FROM c.subscription
                AND (c.ended IS NULL OR c.ended > coalesce(s.ended, c.started))
        ),
        named AS (
            SELECT * FROM replacing WHERE account = successor_account
            UNION ALL
            SELECT r.* FROM replacing AS r
                JOIN member AS a ON a.account = r.account AND {newest_known("a", "r")}
                JOIN member AS b ON b.account = r.successor_account AND {newest_known("b", "r")}
            WHERE r.account <> r.successor_account AND a.group_id = b.group_id
        )"""

_NOTHING_NAMED = """
        named AS (
            SELECT account, instant, subscription, account AS successor_account, subscription AS successor,
                started AS successor_started
            FROM question JOIN version USING (account) WHERE false
        )"""
