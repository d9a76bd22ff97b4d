"""The words in which the oracle's answers are put: each a piece of plain SQLite about one account and one cutoff."""


def ask(what: str, table: str, condition: str = "1") -> str:
    return f"(SELECT {what} FROM {table} r WHERE r.account_id = a.account_id AND {condition})"


def within(time: str, days: int, before: int = 0) -> str:
    return f"({time} >= date(:t, '-{days + before} days') AND {time} < date(:t, '-{before} days'))"


def days_since(time: str) -> str:
    return f"(julianday(:t) - julianday(date({time})))"


def change(now: str, then: str) -> str:
    return f"(1.0 * {now} / {then} - 1)"


def usage(what: str, days: int, before: int = 0, condition: str = "1") -> str:
    return ask(what, "usage_daily", f"{within('r.day', days, before)} AND {condition}")


def used(column: str, days: int, before: int = 0) -> str:
    return usage(f"count(DISTINCT {column})", days, before, "events > 0")


def events(days: int, before: int = 0) -> str:
    return usage("coalesce(sum(events), 0)", days, before)


def minutes(days: int, before: int = 0) -> str:
    return usage("coalesce(sum(minutes), 0)", days, before)


def tickets(what: str, days: int, before: int = 0, condition: str = "1") -> str:
    return ask(what, "tickets", f"{within('opened_at', days, before)} AND {condition}")


def line(what: str, days: int, condition: str) -> str:
    return ask(what, "line", f"event AND {within('at', days)} AND {condition}")


ORDER_OF_KINDS = (
    "opened",
    "assigned",
    "priority",
    "status",
    "escalated",
    "reopened",
    "comment",
    "deescalated",
    "solved",
)
RANKS = " ".join(f"WHEN '{kind}' THEN '0{rank}'" for rank, kind in enumerate(ORDER_OF_KINDS))
RANK = f"CASE kind {RANKS} ELSE kind END"
LAST = f"ORDER BY max(at, opened_at) DESC, {RANK} DESC, coalesce(value, '') DESC, coalesce(actor, '') DESC LIMIT 1"


def by_last(what: str, kinds: str, condition: str) -> str:
    """Over each ticket's last event among those kinds."""
    last = f"(SELECT rowid FROM line l WHERE l.ticket_id = r.ticket_id AND ({kinds}) {LAST})"
    return ask(what, "line", f"r.rowid = {last} AND ({condition})")


def by_first(what: str, kinds: str, days: int) -> str:
    first = f"(SELECT rowid FROM line l WHERE l.ticket_id = r.ticket_id AND ({kinds}) {LAST.replace(' DESC', '')})"
    return ask(what, "line", f"r.rowid = {first} AND {within('at', days)}")


def health(what: str, condition: str = "1") -> str:
    return ask(what, "health_scores", condition)


def score_before(days: int, condition: str = "1") -> str:
    return (
        f"(SELECT score FROM health_scores r WHERE r.account_id = a.account_id AND {condition} "
        f"AND measured_at < date(:t, '-{days} days') "
        "ORDER BY measured_at DESC, score IS NOT NULL DESC, coalesce(source, '') DESC LIMIT 1)"
    )


def latest_by_source(what: str, days: int) -> str:
    """Something of each source's latest score of so many days before, where it is at most a year older."""
    no_newer = (
        "NOT EXISTS (SELECT 1 FROM health_scores n WHERE n.account_id = r.account_id "
        "AND coalesce(n.source, '') = coalesce(r.source, '') AND n.measured_at > r.measured_at "
        f"AND n.measured_at < date(:t, '-{days} days'))"
    )
    return health(what, f"{within('measured_at', 365, days)} AND {no_newer}")


def score_change(days: int) -> str:
    """The mean change of the sources, where they are as many as before and all of them measured."""
    all_now, all_then = latest_by_source("count(*)", 0), latest_by_source("count(*)", days)
    measured_now, measured_then = latest_by_source("count(score)", 0), latest_by_source("count(score)", days)
    change_of_sum = f"({latest_by_source('sum(score)', 0)} - {latest_by_source('sum(score)', days)}) * 1.0"
    return (
        f"(CASE WHEN {all_now} = {all_then} AND {all_now} = {measured_now} AND {all_then} = {measured_then} "
        f"THEN {change_of_sum} / nullif({all_now}, 0) END)"
    )


def of_one_source(what: str, days: int) -> str:
    """Something where exactly one source measured in these days."""
    sources = health("count(DISTINCT coalesce(source, ''))", f"score IS NOT NULL AND {within('measured_at', days)}")
    return f"(CASE WHEN {sources} = 1 THEN {what} END)"


def metric_before(name: str, days: int) -> str:
    return (
        f"(SELECT value FROM metrics r WHERE r.account_id = a.account_id AND metric = {name} "
        f"AND measured_at < date(:t, '-{days} days') "
        "ORDER BY measured_at DESC, value IS NOT NULL DESC, coalesce(source, '') DESC LIMIT 1)"
    )


def metric_trend(name: str) -> str:
    return ask(
        "(count(*) * sum(x * value) - sum(x) * sum(value)) * 1.0 / "
        "nullif(count(*) * sum(x * x) - sum(x) * sum(x), 0) * 30",
        "(SELECT *, -julianday(:t) + julianday(date(measured_at)) AS x FROM metrics)",
        f"metric = {name} AND value IS NOT NULL AND {within('measured_at', 90)}",
    )


def running(what: str, prefix: str = "", days: int = 0, condition: str = "1") -> str:
    then = f"date(:t, '-{days} days')"
    return ask(
        what,
        f"{prefix}subscriptions",
        f"started_at < {then} AND (ended_at IS NULL OR ended_at >= {then}) AND {condition}",
    )


ISSUED = "coalesce(status, '') NOT IN ('void', 'draft')"
PAYABLE = f"(amount > 0 AND coalesce(status, '') <> 'uncollectible' AND {ISSUED})"


def paid(what: str, days: int, condition: str = "1") -> str:
    return ask(what, "invoices", f"{PAYABLE} AND paid_at IS NOT NULL AND {within('paid_at', days)} AND {condition}")


def issued(what: str, days: int, before: int = 0, condition: str = "1") -> str:
    return ask(what, "invoices", f"{ISSUED} AND {within('issued_at', days, before)} AND {condition}")


DECIDED = "coalesce(action, '') NOT IN ('held_out', 'selected', 'withdrawn') AND NOT coalesce(holdout, 0)"


def outcomes(condition: str) -> str:
    return ask("count(*)", "outcomes", f"{within('decided_at', 365)} AND {DECIDED} AND {condition}")


URGENT = "priority IN ('urgent', 'high')"
FROM_CUSTOMER = "(kind = 'comment' AND actor = 'customer')"
STATES = f"kind IN ('opened', 'reopened', 'solved', 'closed') OR {FROM_CUSTOMER}"
IS_OPEN = "kind NOT IN ('solved', 'closed')"
TURNS = f"{STATES} OR (kind = 'comment' AND actor = 'agent')"
WAITING = f"kind IN ('opened', 'reopened') OR {FROM_CUSTOMER}"
ESCALATION_CHANGES = "kind IN ('escalated', 'deescalated', 'solved', 'closed')"
HOURS = "avg(CASE WHEN at >= opened_at THEN (strftime('%s', at) - strftime('%s', opened_at)) / 3600.0 END)"
NUMBER = "(value GLOB '[0-9]' OR value GLOB '[0-9].[0-9]')"
RATING = "CAST(value AS REAL)"
LATE = "max(0, julianday(date(paid_at)) - julianday(date(due_at)))"
UNPAID = f"({PAYABLE} AND (paid_at IS NULL OR paid_at >= :t))"
OPEN = by_last("count(*)", STATES, IS_OPEN)
ARR = running("sum(arr)")
SEATS = running("sum(seats)")


def like(column: str, *words: str) -> str:
    return "(" + " OR ".join(f"lower({column}) LIKE '%{word}%'" for word in words) + ")"


WEEK_EVENTS = ask(
    "coalesce(sum(events), 0)",
    "usage_daily",
    "r.day < date(:t, '-' || (7 * n - 7) || ' days') AND r.day >= date(:t, '-' || (7 * n) || ' days')",
)

WEEKLY_TREND = f"""(
    WITH RECURSIVE step(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM step WHERE n < 4),
    point AS (SELECT -n AS x, {WEEK_EVENTS} AS y FROM step)
    SELECT (count(*) * sum(x * y) - sum(x) * sum(y)) * 1.0 / (count(*) * sum(x * x) - sum(x) * sum(x)) FROM point)"""

HEALTH_TREND = ask(
    "(count(*) * sum(x * score) - sum(x) * sum(score)) * 1.0 / nullif(count(*) * sum(x * x) - sum(x) * sum(x), 0) * 30",
    "(SELECT *, -julianday(:t) + julianday(date(measured_at)) AS x FROM health_scores)",
    f"score IS NOT NULL AND {within('measured_at', 90)}",
)

RATED = f"kind = 'csat' AND {NUMBER}"
ESCALATED = "kind = 'escalated'"
