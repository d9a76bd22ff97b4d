"""The query of one table of the contract from one table of a source, and what had to be assumed."""

from collections.abc import Mapping, Sequence

from features.quoting import quote_name, quote_text
from pipelines.onboarding.account_columns import FOUND, AccountColumn, AccountKey, find_account_column
from pipelines.onboarding.choose_columns import ColumnChoice, find_dates
from pipelines.onboarding.column_words import CREATION_WORDS, OTHER_DATE_WORDS, normal_name
from pipelines.onboarding.profile_tables import TableProfile
from pipelines.onboarding.table_proposal import Candidate, TableProposal, plain_query

END_OF_TERM = 0.95
"""The share of rows with an end from which it is the end of a term."""

ASSUMED_CREATION = "2000-01-01"


def target_query(
    source: str, candidate: Candidate, profile: TableProfile, keys: Sequence[AccountKey]
) -> TableProposal | None:
    """The query of a candidate; ``None`` where no column says whose rows they are."""
    choices = dict(candidate.choices)
    notes = [f"{it.column} is not used as {it.target}: {it.reason}." for it in candidate.rejected]
    if candidate.target == "accounts":
        return _accounts_query(candidate, profile, choices, notes)
    if candidate.target != "ticket_events":
        account = account_column(candidate, profile, keys)
        if account is None:
            return None
        choices = {target: it for target, it in choices.items() if it.column != account.column or target == "user_id"}
        choices["account_id"] = _account_choice(source, account)
        if account.key is not None and account.share < FOUND:
            notes.append(f"Only {account.share:.0%} of the values of {account.column} are accounts: check this column.")
    match candidate.target:
        case "usage_daily":
            return _usage_query(candidate, profile, choices, notes)
        case "subscriptions":
            _separate_end_of_term(choices, notes, profile)
            complete_subscription(choices, notes, profile)
        case "contacts" if "contact_id" not in choices and "email" in choices:
            mail = choices["email"]
            choices["contact_id"] = ColumnChoice("contact_id", mail.sql, mail.column, "no id: the mail address")
    return plain_query(candidate, choices, notes)


def account_column(candidate: Candidate, profile: TableProfile, keys: Sequence[AccountKey]) -> AccountColumn | None:
    """The column that names the account; columns that identify the row itself name none."""
    own = {"ticket_id", "invoice_id", "event_id", "contact_id", "user_id", "email", "events", "users", "minutes"}
    taken = [choice.column for target, choice in candidate.choices.items() if target in own]
    return find_account_column(profile, keys, taken)


def _account_choice(source: str, account: AccountColumn) -> ColumnChoice:
    key = account.key
    quoted = quote_name(account.column)
    if key is None or key.kind == "id" or key.source != source:
        sql = f"{account.writing}({quoted})" if account.writing else quoted
        return ColumnChoice("account_id", sql, account.column, account.reason)
    table, own, other = quote_name(key.table), quote_name(key.id_column), quote_name(key.profile.name)
    sql = f"(SELECT min(a.{own}) FROM {table} AS a WHERE a.{other} = t.{quoted})"
    return ColumnChoice("account_id", sql, account.column, account.reason)


def _accounts_query(
    candidate: Candidate, profile: TableProfile, choices: dict[str, ColumnChoice], notes: list[str]
) -> TableProposal:
    if "account_id" not in choices:
        name = choices["name"]
        choices["account_id"] = ColumnChoice("account_id", name.sql, name.column, "no id: the name, which is unique")
    if "created_at" not in choices:
        choices["created_at"] = _creation(profile, choices, notes)
    choices.pop("domain", None)
    return plain_query(candidate, choices, notes)


def _creation(profile: TableProfile, choices: Mapping[str, ColumnChoice], notes: list[str]) -> ColumnChoice:
    """When accounts were created, where no name is known for it: dates with a word of beginning, else an assumption."""
    dates = find_dates(profile, [choice.column for choice in choices.values()])
    for it in dates:
        words = normal_name(it.column)
        if any(word in words for word in CREATION_WORDS) and not any(word in words for word in OTHER_DATE_WORDS):
            notes.append(f"{it.column} is taken for the day on which an account was created: check this column.")
            return ColumnChoice("created_at", it.sql, it.column, f"{it.reason}, and a word of its name")
    sql = f"TIMESTAMP {quote_text(ASSUMED_CREATION)}"
    if dates:
        named = " or ".join(it.column for it in dates)
        notes.append(
            f"No column is certain to say when an account was created: {ASSUMED_CREATION} is assumed for all of them. "
            f"If it is {named}, write that column in the query."
        )
        return ColumnChoice("created_at", sql, "", "assumed: no column of dates is certain to be this one")
    notes.append(f"No column says when an account was created: {ASSUMED_CREATION} is assumed for all of them.")
    return ColumnChoice("created_at", sql, "", "assumed: no column says when an account was created")


def _separate_end_of_term(choices: dict[str, ColumnChoice], notes: list[str], profile: TableProfile) -> None:
    """An end that nearly every row has is the end of its term: a cancellation is the exception."""
    end = choices.get("ended_at")
    if end is None or profile.columns[end.column].filled < END_OF_TERM * profile.rows:
        return
    del choices["ended_at"]
    notes.append(
        f"{end.column} has a value in nearly every row: it is taken for the end of a term, not a cancellation."
    )
    if "renews_at" not in choices:
        choices["renews_at"] = ColumnChoice("renews_at", end.sql, end.column, "the end of a term: nearly always filled")


def complete_subscription(choices: dict[str, ColumnChoice], notes: list[str], profile: TableProfile) -> None:
    """An id where no column is one, and revenue of a year from that of a month."""
    account = choices["account_id"]
    own = profile.columns.get(account.column)
    if "subscription_id" not in choices and own is not None and own.distinct < own.filled:
        parts = [choices[name] for name in ("account_id", "product", "plan", "started_at") if name in choices]
        sql = f"concat_ws('/', {', '.join(part.sql for part in parts)})"
        named = " and ".join(part.column for part in parts)
        choices["subscription_id"] = ColumnChoice(
            "subscription_id", sql, named, "no id: each start is a contract of its own"
        )
        notes.append(f"No column identifies a subscription: each row with its own {named} is taken as one.")
    if "subscription_id" not in choices:
        choices["subscription_id"] = ColumnChoice(
            "subscription_id", account.sql, account.column, "no id: one an account"
        )
        notes.append("No column identifies a subscription: one for each account is assumed.")
    mrr = choices.pop("mrr", None)
    if mrr is not None and "arr" not in choices:
        choices["arr"] = ColumnChoice("arr", f"{mrr.sql} * 12", mrr.column, "revenue of a month, times 12")


def _usage_query(
    candidate: Candidate, profile: TableProfile, choices: dict[str, ColumnChoice], notes: list[str]
) -> TableProposal:
    """Rows a day and feature as they are; a row an event, counted; or a column a feature, as rows."""
    table = quote_name(candidate.table)
    taken = {choice.column for choice in choices.values()}
    measures = [
        name
        for name, column in profile.columns.items()
        if name not in taken and column.is_number and column.whole >= 0.95 and (column.low or 0) >= 0
        and not normal_name(name).endswith(("id", "number", "nr")) and column.epochs < 0.5
    ]  # fmt: skip
    if "events" not in choices and "feature" not in choices and measures:
        named = ", ".join(quote_name(name) for name in measures)
        account, day = choices["account_id"].sql, choices["day"].sql
        sql = (
            f"-- Each of these columns is a feature: {', '.join(measures)}.\n"
            f"SELECT account_id, day, feature, CAST(sum(events) AS BIGINT) AS events\nFROM (\n"
            f"    UNPIVOT (SELECT {account} AS account_id, {day} AS day, "
            f"{', '.join(f'CAST({quote_name(name)} AS BIGINT) AS {quote_name(name)}' for name in measures)} "
            f"FROM {table} AS t)\n    ON {named} INTO NAME feature VALUE events\n)\nGROUP BY ALL"
        )
        columns = [choices["account_id"], choices["day"]]
        columns += [ColumnChoice("feature", quote_name(name), name, "a count a day") for name in measures]
        return TableProposal("usage_daily", candidate.table, columns, sql, notes)
    if "feature" not in choices:
        choices["feature"] = ColumnChoice("feature", "'activity'", "", "no column names a feature")
    if "events" not in choices:
        keys = [choices[name] for name in ("account_id", "day", "feature", "user_id") if name in choices]
        lines = ",\n".join(f"    {choice.sql} AS {choice.target}" for choice in keys)
        head = "-- A row is an event: they are counted by day.\nSELECT"
        sql = f"{head}\n{lines},\n    count(*) AS events\nFROM {table} AS t\nGROUP BY ALL"
        return TableProposal("usage_daily", candidate.table, keys, sql, notes)
    return plain_query(candidate, choices, notes)
