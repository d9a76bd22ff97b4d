"""What of each account really ends, as known at a cutoff.

A CRM records a renewal as an end and a new contract, an upgrade as another, a merger as contracts of another account:
an end alone says little. So each ending is compared with what our copy knew then, and an account leaves only when
nothing continues.

An ending is *continued* by another contract of the account that runs on beyond it, and

- names it in ``replaces`` (also a contract of another account of the same group), at whatever time it starts, or
- starts from 30 days before to 30 days after the end (a renewal that was signed early, or entered late).

A contract that ends on the same day continues nothing, so two contracts that end together do not save each other. A
contract without an end that another one replaces ends when its successor starts. A contract that starts earlier than
30 days before an end is no successor: it is one of the *others* that keep running.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from features.history.history import History
from features.history.versions import EPOCH, date_literal
from features.succession.contract_details import NUMBERS, contract_details
from features.succession.contract_status import LEAVING, LEFT, NONE, RUNNING, questions_through_time
from features.succession.contract_versions import MEMBERS, NUMBERED_ACCOUNTS, contract_versions
from features.succession.kept_contracts import NEVER, kept_contracts

FEW_CUTOFFS = 3
"""Up to so many cutoffs, each is asked alone; of more, the changes of contracts through all time are computed once."""

SUCCESSION = pa.schema(
    [
        ("account_id", pa.string()),
        ("status", pa.string()),
        ("leaves_on", pa.date32()),
        ("leaving_known_at", pa.timestamp("us")),
        ("ending_revenue", pa.float64()),
        ("withdrawn_on", pa.date32()),
        ("partial_loss_share", pa.float64()),
        ("partial_loss_on", pa.date32()),
        ("partial_loss_known_at", pa.timestamp("us")),
        ("renewal_date", pa.date32()),
        ("renewal_overdue_days", pa.int32()),
        ("revenue", pa.float64()),
        ("currency", pa.string()),
        ("ending_subscriptions", pa.list_(pa.string())),
        ("successor_subscriptions", pa.list_(pa.string())),
        ("continued_by_account", pa.string()),
    ]
)
"""What :func:`succession_at` returns."""


def succession_at(history: History, cutoff: date) -> pa.Table:
    """One row for each account known at the cutoff, ordered by account; computed once for each cutoff.

    - ``status``: ``running``; ``leaving`` (everything that runs has a known end that nothing continues); ``left``
      (that end has passed); ``none`` (no contract yet, or the contracts moved to another account of the group).
    - ``leaves_on``, ``leaving_known_at``: the last of those ends, and when our copy learned of it (UTC); also of an
      account that has left. ``ending_revenue``: the yearly revenue of ``ending_subscriptions``, which end without
      being continued; null where none of them has a price.
    - ``partial_loss_share``, ``partial_loss_on``, ``partial_loss_known_at``: of a running account of which something
      ends that nothing continues: its share of the revenue, the first such end, and when the latest became known.
    - ``withdrawn_on``: the day on which our copy learned that a running contract does not end after all.
    - ``renewal_date``: the next one of the contracts that go on, successors included. ``renewal_overdue_days``: days
      since the oldest renewal date that has passed without a new one or a new contract; null where none has.
    - ``revenue``, ``currency``: of the contracts that run (between an ending and its successor: of the successor).
      Null, and not zero, where no contract has a price; a sum over those that have one. Both are null where those
      have several currencies.
    - ``successor_subscriptions``: what continues an ending; ``continued_by_account``: to which account of the group
      contracts moved.
    """
    return history.cached(f"succession_of_known_{cutoff.isoformat()}", lambda: _of_known(contracts_at(history, cutoff)))


def _of_known(contracts: pa.Table) -> pa.Table:
    known = contracts.column("is_known")
    some = contracts.select(SUCCESSION.names)
    return (some if pc.all(known).as_py() else some.filter(known)).cast(SUCCESSION)


def contracts_at(history: History, cutoff: date) -> pa.Table:
    """The same of all accounts, with the dense number and :data:`features.succession.contract_details.NUMBERS`.

    Accounts that became known later, which have ``is_known`` false, may have had contracts before: what a feature
    compares with an earlier day is computed for that day as for any other.
    """

    def ask(accounts: pa.Array | None) -> pa.Table:
        return _contracts(history, cutoff, accounts)

    return _cached_contracts(history, cutoff, ask)


def ask_contracts(history: History, cutoffs: Iterable[date]) -> None:
    """Answer :func:`contracts_at` for several cutoffs by one query, which takes half the time of two.

    Answers that are kept for the next night are asked for one by one: most of them are there.
    """
    days = sorted(set(cutoffs))

    def ask() -> bool:
        rows = history.query(_question(history, days, "true"))
        count = len(rows) // len(days)
        for place, day in enumerate(days):
            of_day = rows.slice(place * count, count)
            _cached_contracts(history, day, lambda _, of_day=of_day: of_day)  # type: ignore[misc]
        return True

    if history.state is None and len(days) > 1:
        history.cached(f"contracts_at {days}", ask)


def _cached_contracts(history: History, cutoff: date, ask: Callable[[pa.Array | None], pa.Table]) -> pa.Table:
    question = _question(history, [EPOCH], "true")
    return history.cached(f"succession_{cutoff.isoformat()}", lambda: kept_contracts(history, cutoff, question, ask))


def succession_by_cutoff(history: History, cutoffs: Iterable[date]) -> pa.Table:
    """The same for several cutoffs, with ``as_of`` as the second column, ordered by cutoff and account."""
    parts = []
    for cutoff in sorted(set(cutoffs)):
        rows = succession_at(history, cutoff)
        parts.append(rows.add_column(1, "as_of", pa.array([cutoff] * rows.num_rows, pa.date32())))
    return pa.concat_tables(parts)


def _contracts(history: History, cutoff: date, accounts: pa.Array | None) -> pa.Table:
    """The answers for some accounts (ids), or for all, with the next moment at which each may change."""
    if accounts is None:
        return history.query(_question(history, [cutoff], "true"))
    asked = f"asked_on_{cutoff:%Y%m%d}"
    with history.temporary_table(asked, pa.table({"account_id": accounts})):
        return history.query(_question(history, [cutoff], f"account_id IN (SELECT account_id FROM {asked})"))


def _question(history: History, cutoffs: Sequence[date], accounts: str) -> str:
    """The query for the accounts of which a condition is true, at each cutoff, in their order.

    Only a kept answer, which is for one cutoff, says until when it holds.
    """
    instants = [f"CAST({date_literal(cutoff)} AS TIMESTAMP)" for cutoff in cutoffs]
    instant = instants[0] if len(instants) == 1 else f"unnest([{', '.join(instants)}])"
    if history.state is None:
        versions = f"{contract_versions(history, accounts=accounts)}, {MEMBERS}"
        later = "SELECT CAST(NULL AS BIGINT) AS account, CAST(NULL AS TIMESTAMP) AS until"
    else:
        versions = questions_through_time(history, "later", accounts)
        later = f"SELECT account, min(instant) AS until FROM later WHERE instant > {instant} GROUP BY account"
    return f"""
        WITH {NUMBERED_ACCOUNTS}, {versions},
        next_question AS ({later}),
        asked AS (SELECT *, {instant} AS instant FROM numbered WHERE {accounts}),
        question AS (SELECT account, instant FROM asked WHERE account IN (SELECT account FROM version)),
        {contract_details(history)}
        SELECT asked.account, asked.account_id, epoch_us(asked.account_known) AS account_known,
            coalesce(epoch_us(until), {NEVER}) AS until, {_COLUMNS}, {NUMBERS}
        FROM asked LEFT JOIN contract_detail AS d USING (account, instant) LEFT JOIN next_question USING (account)
            LEFT JOIN numbered AS other ON other.account = d.successor_account
        ORDER BY asked.instant, asked.account_id
    """


_PARTIAL = f"d.status = '{RUNNING}' AND d.losses > 0"

_COLUMNS = f"""
            coalesce(d.status, '{NONE}') AS status,
            CAST(d.leaves_at AS DATE) AS leaves_on,
            CASE WHEN d.status IN ('{LEAVING}', '{LEFT}') THEN d.end_known END AS leaving_known_at,
            d.ending_revenue,
            CAST(CASE WHEN d.status = '{RUNNING}' THEN d.withdrawn END AS DATE) AS withdrawn_on,
            CASE WHEN {_PARTIAL} THEN d.ending_revenue / nullif(d.revenue, 0) END AS partial_loss_share,
            CAST(CASE WHEN {_PARTIAL} THEN d.first_end END AS DATE) AS partial_loss_on,
            CASE WHEN {_PARTIAL} THEN d.end_known END AS partial_loss_known_at,
            d.renewal_date,
            d.revenue, d.currency, d.ending_subscriptions, d.successor_subscriptions,
            other.account_id AS continued_by_account"""
