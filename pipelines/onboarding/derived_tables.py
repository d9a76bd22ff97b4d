"""Tables that follow from others: contracts in accounts, events in tickets, the crosswalk, accounts from other rows."""

from collections.abc import Mapping, Sequence

from features.quoting import quote_name, quote_text
from pipelines.onboarding.account_columns import FOUND, AccountKey, find_account_column
from pipelines.onboarding.choose_columns import ColumnChoice, choose_columns
from pipelines.onboarding.profile_tables import TableProfile, overlap
from pipelines.onboarding.table_proposal import Candidate, TableProposal, TablesProposal, plain_query
from pipelines.onboarding.target_queries import account_column, complete_subscription


def add_contracts(result: TablesProposal, best: Mapping[str, Candidate], tables: Mapping[str, TableProfile]) -> None:
    """Contracts that are columns of the accounts, as in the export of a CRM."""
    accounts = best.get("accounts")
    made = next((it for it in result.tables if it.target == "accounts"), None)
    if accounts is None or made is None or any(it.target == "subscriptions" for it in result.tables):
        return
    choices, _ = choose_columns("subscriptions", tables[accounts.table])
    if not {"arr", "mrr", "renews_at"} & choices.keys():
        return
    own = {choice.target: choice for choice in made.columns}
    for target in ("subscription_id", "account_id"):
        choices[target] = ColumnChoice(target, own["account_id"].sql, own["account_id"].column, "one an account")
    notes = []
    if "started_at" not in choices:
        created = own["created_at"]
        choices["started_at"] = ColumnChoice(
            "started_at", created.sql, created.column, "no start: the account's creation"
        )
        notes.append("No column says when a contract began: the day on which the account was created is taken.")
    complete_subscription(choices, notes, tables[accounts.table])
    result.tables.append(plain_query(Candidate("subscriptions", accounts.table, {}, [], 0), choices, notes))


def add_events(result: TablesProposal, best: Mapping[str, Candidate]) -> None:
    """Events of tickets from the dates in the tickets themselves, where no table has the events."""
    tickets = best.get("tickets")
    if tickets is None or any(it.target == "ticket_events" for it in result.tables):
        return
    dates = [tickets.choices[kind] for kind in ("escalated", "solved", "closed") if kind in tickets.choices]
    if not dates or not any(it.target == "tickets" for it in result.tables):
        return
    parts = [
        f"SELECT {tickets.choices['ticket_id'].sql} AS ticket_id, {it.sql} AS occurred_at, "
        f"{quote_text(it.target)} AS kind\n"
        f"FROM {quote_name(tickets.table)} AS t\nWHERE {it.sql} IS NOT NULL"
        for it in dates
    ]
    known = {*tickets.choices, *(it.target for it in tickets.rejected)}  # a rejected column is in the tickets' notes
    notes = [] if "escalated" in known else ["No column says when a ticket was escalated."]
    columns = [ColumnChoice(it.target, it.sql, it.column, it.reason) for it in dates]
    result.tables.append(TableProposal("ticket_events", tickets.table, columns, "\nUNION ALL\n".join(parts), notes))


def add_crosswalk(
    result: TablesProposal,
    source: str,
    best: Mapping[str, Candidate],
    tables: Mapping[str, TableProfile],
    keys: Sequence[AccountKey],
    own: Sequence[AccountKey],
) -> None:
    """The names by which companies of this source can be found among the accounts, or the accounts by others."""
    accounts = best.get("accounts")
    if accounts is not None and (own or keys):
        profile = tables[accounts.table]
        chosen = accounts.choices
        identity = chosen.get("account_id") or chosen["name"]
        external = _external_column(profile, [key for key in keys if key.source != source and key.kind == "id"])
        values = {
            "record_id": identity.sql,
            "external_id": quote_name(external) if external else None,
            "domain": chosen["domain"].sql if "domain" in chosen else None,
            "name": chosen["name"].sql if "name" in chosen else None,
        }
        others = [key for key in keys if key.source != source and key.kind == "name"]
        names = profile.columns[chosen["name"].column] if "name" in chosen else None
        if names is not None and any(overlap(names, key.profile) >= FOUND for key in others) and not external:
            result.by_name = True
        lines = [f"    {value or 'CAST(NULL AS VARCHAR)'} AS {name}" for name, value in values.items()]
        sql = "SELECT\n" + ",\n".join(lines) + f"\nFROM {quote_name(accounts.table)} AS t"
        result.tables.append(TableProposal("crosswalk", accounts.table, [], sql))
        return
    if result.by_name or any(key.kind == "domain" for key in keys):
        _crosswalk_of_names(result, source, best, tables, keys)


def _crosswalk_of_names(
    result: TablesProposal,
    source: str,
    best: Mapping[str, Candidate],
    tables: Mapping[str, TableProfile],
    keys: Sequence[AccountKey],
) -> None:
    parts = []
    for made in result.tables:
        candidate = best.get(made.target)
        account = account_column(candidate, tables[candidate.table], keys) if candidate else None
        if account is None or account.key is None or account.key.source == source or account.key.kind == "id":
            continue
        column, kind = quote_name(account.column), account.key.kind
        names = {"name": "NULL", "domain": "NULL"} | {kind: column}
        parts.append(
            f"SELECT DISTINCT {column} AS record_id, CAST({names['domain']} AS VARCHAR) AS domain, "
            f"CAST({names['name']} AS VARCHAR) AS name\nFROM {quote_name(candidate.table if candidate else '')} AS t"
        )
    if parts:
        result.tables.append(TableProposal("crosswalk", result.tables[0].table, [], "\nUNION\n".join(parts)))


def _external_column(profile: TableProfile, keys: Sequence[AccountKey]) -> str | None:
    """A column that holds the ids of accounts of another source."""
    for name, column in profile.columns.items():
        if any(overlap(column, key.profile) >= FOUND and column.distinct > 2 for key in keys):
            return name
    return None


def derive_accounts(source: str, tables: Mapping[str, TableProfile]) -> tuple[AccountKey, TableProposal] | None:
    """Accounts from a column that names the account of other rows, where no table has accounts of its own."""
    for name, profile in tables.items():
        found = find_account_column(profile, ())
        if found is None or not 2 <= profile.columns[found.column].distinct < profile.rows:
            continue
        column = quote_name(found.column)
        dates = [choice for choice in _instants(profile) if choice.column != found.column]
        if not dates:
            continue
        sql = (
            f"SELECT {column} AS account_id, min({dates[0].sql}) AS created_at\nFROM {quote_name(name)} AS t\n"
            f"WHERE {column} IS NOT NULL\nGROUP BY {column}"
        )
        columns = [
            ColumnChoice("account_id", column, found.column, "by its name; no table has accounts of its own"),
            ColumnChoice("created_at", dates[0].sql, dates[0].column, "the first row of the account"),
        ]
        note = f"No table has accounts: each value of {found.column} in {name} is taken as one, from its first row on."
        key = AccountKey("id", source, name, profile.columns[found.column], found.column)
        return key, TableProposal("accounts", name, columns, sql, [note])
    return None


def _instants(profile: TableProfile) -> list[ColumnChoice]:
    """The columns of a table that are dates or times and could be when a row happened."""
    choices, _ = choose_columns("tickets", profile)
    invoices, _ = choose_columns("invoices", profile)
    usage, _ = choose_columns("usage_daily", profile)
    found = [choices.get("opened_at"), invoices.get("issued_at"), usage.get("day")]
    return [choice for choice in found if choice is not None]
