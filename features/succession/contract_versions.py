"""The versions of contracts and of groups in SQL: what our copy knew of each, from when until when.

A source of the current state is brought to the same form: a contract is known when it starts, and its end when it
comes, and not a moment sooner.
"""

from features.contract import TABLES
from features.history.history import History
from features.history.versions import known_instant

NUMBERED_ACCOUNTS = f"""
        numbered AS (
            SELECT account_id, row_number() OVER (ORDER BY account_id) - 1 AS account,
                min({known_instant(TABLES["accounts"])}) AS account_known
            FROM accounts GROUP BY account_id
        )"""
"""The CTE ``numbered``: every account, its dense number and when it became known."""

MEMBERS = f"""
        member AS (
            SELECT account, coalesce(parent_id, account_id) AS group_id, known,
                lead(known) OVER (PARTITION BY account ORDER BY known) AS superseded
            FROM (SELECT account_id, parent_id, {known_instant(TABLES["accounts"])} AS known FROM accounts)
                JOIN numbered USING (account_id)
        )"""
"""The CTE ``member``: the group (the parent, or the account itself) of each account, by version."""

OWN = "PARTITION BY subscription ORDER BY known, ended NULLS FIRST"
"""The order of a contract's versions."""


def has_replacements(history: History) -> bool:
    """Whether the source names the contract that another one continues."""
    return "replaces" in history.columns["subscriptions"]


def contract_versions(history: History, measure: str = "NULL", accounts: str = "true") -> str:
    """The CTE ``version``: what was known of each contract, from ``known`` until it was ``superseded``.

    ``end_known`` is when our copy learned that the contract ends (the first of consecutive versions with an end), and
    ``withdrawn`` when it learned that it does not end after all. ``measure`` is an expression over a subscription.
    ``accounts`` is a condition of the accounts that are asked about: all versions of their contracts are read, also of
    other accounts. Where contracts of others may continue theirs, all contracts are read.
    """
    of_accounts = f"subscription_id IN (SELECT subscription_id FROM subscriptions WHERE {accounts})"
    if accounts == "true" or has_replacements(history):
        of_accounts = "true"
    return f"""
        version AS (
            SELECT account, versions.* EXCLUDE (account_id) FROM (
            SELECT *, lead(known) OVER own AS superseded,
                max(CASE WHEN ended IS NOT NULL AND ended_before IS NULL THEN known END) OVER until_now AS end_known,
                max(CASE WHEN ended IS NULL AND ended_before IS NOT NULL THEN known END) OVER until_now AS withdrawn
            FROM (
                SELECT account_id, subscription_id AS subscription, known, started_at AS started, ended,
                    renews_at AS renews, arr, currency, replaces, {measure} AS measure,
                    lag(ended) OVER (PARTITION BY subscription_id ORDER BY known, ended NULLS FIRST) AS ended_before
                FROM ({_learned(history)}) WHERE {of_accounts}
            )
            WINDOW own AS ({OWN}), until_now AS ({OWN} ROWS UNBOUNDED PRECEDING)
            ) AS versions JOIN numbered USING (account_id)
        )"""


def _learned(history: History) -> str:
    """Each version of a subscription with ``known``, and the end as known then."""
    if "subscriptions" in history.versioned:
        return f"SELECT *, {known_instant(TABLES['subscriptions'])} AS known, ended_at AS ended FROM subscriptions"
    return (
        "SELECT *, started_at AS known, CAST(NULL AS TIMESTAMP) AS ended FROM subscriptions "
        "UNION ALL SELECT *, ended_at AS known, ended_at AS ended FROM subscriptions WHERE ended_at IS NOT NULL"
    )


def newest_known(version: str, question: str) -> str:
    """The condition that a version was the newest known just before the instant of a question."""
    instant = f"{question}.instant"
    return f"{version}.known < {instant} AND ({version}.superseded IS NULL OR {version}.superseded >= {instant})"
