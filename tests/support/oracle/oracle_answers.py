"""Every feature in plain SQLite, by subject; ``sqlite_oracle`` asks them."""

from features.catalogue import Metric
from support.oracle.oracle_terms import (
    ARR,
    DECIDED,
    ESCALATED,
    ESCALATION_CHANGES,
    HEALTH_TREND,
    HOURS,
    IS_OPEN,
    ISSUED,
    LAST,
    LATE,
    NUMBER,
    OPEN,
    RATED,
    RATING,
    SEATS,
    STATES,
    TURNS,
    UNPAID,
    URGENT,
    WAITING,
    WEEKLY_TREND,
    ask,
    by_first,
    by_last,
    change,
    days_since,
    events,
    health,
    issued,
    like,
    line,
    metric_before,
    metric_trend,
    minutes,
    of_one_source,
    outcomes,
    paid,
    running,
    score_before,
    score_change,
    tickets,
    usage,
    used,
    within,
)
from support.oracle.succession_answers import SUCCESSION_FEATURES

FEEDS = {
    "usage_daily": ("has_usage", "usage_feed_age_days"),
    "tickets": ("has_tickets", "tickets_feed_age_days"),
    "ticket_events": ("has_ticket_events", "ticket_events_feed_age_days"),
    "health_scores": ("has_health", "health_feed_age_days"),
    "metrics": ("has_metrics", "metrics_feed_age_days"),
    "subscriptions": ("has_subscriptions", "subscriptions_feed_age_days"),
    "invoices": ("has_invoices", "invoices_feed_age_days"),
    "outcomes": ("has_outcomes", "outcomes_feed_age_days"),
}
"""By table: the features of its presence and age."""

OPENED = {
    "tickets_opened_7d": tickets("count(*)", 7),
    "tickets_opened_28d": tickets("count(*)", 28),
    "tickets_opened_90d": tickets("count(*)", 90),
    "tickets_opened_365d": tickets("count(*)", 365),
    "tickets_opened_change_28d": change(tickets("count(*)", 28), tickets("count(*)", 28, 28)),
    "tickets_opened_vs_normal": change(
        f"{tickets('count(*)', 28)} / 28.0", f"({tickets('count(*)', 152, 28)} / 152.0)"
    ),
    "ticket_recency_days": ask(f"min({days_since('opened_at')})", "tickets", "opened_at < :t"),
    "tickets_urgent_28d": tickets("count(*)", 28, 0, URGENT),
    "tickets_urgent_90d": tickets("count(*)", 90, 0, URGENT),
    "tickets_urgent_share_90d": tickets(f"avg(coalesce({URGENT}, 0))", 90),
    "tickets_fault_90d": tickets(
        "count(*)", 90, 0, like("category", "bug", "incident", "outage", "defect", "error", "fail")
    ),
    "tickets_money_90d": tickets(
        "count(*)", 90, 0, like("category", "billing", "invoice", "payment", "refund", "dispute")
    ),
    "tickets_leaving_180d": tickets(
        "count(*)", 180, 0, like("category", "cancel", "terminat", "contract", "offboard", "downgrade", "export")
    ),
    "ticket_categories_90d": tickets("count(DISTINCT category)", 90),
    "ticket_channels_90d": tickets("count(DISTINCT channel)", 90),
}

WORKED = {
    "tickets_open": OPEN,
    "tickets_open_urgent": by_last("count(*)", STATES, f"{IS_OPEN} AND {URGENT}"),
    "ticket_oldest_open_days": by_last(f"max({days_since('opened_at')})", STATES, IS_OPEN),
    "tickets_waiting": by_last("count(*)", TURNS, WAITING),
    "ticket_longest_wait_days": by_last(f"max({days_since('at')})", TURNS, WAITING),
    "ticket_silence_days": f"CASE WHEN {OPEN} > 0 THEN "
    + ask(f"min({days_since('at')})", "line", "kind = 'comment' AND actor = 'agent'")
    + " END",
    "tickets_reopened_90d": line("count(*)", 90, "kind = 'reopened'"),
    "ticket_owners_90d": line(
        "1.0 * count(DISTINCT ticket_id || '/' || value) / count(DISTINCT ticket_id)",
        90,
        "kind = 'assigned' AND value IS NOT NULL",
    ),
    "ticket_assignments_28d": line("count(*)", 28, "kind = 'assigned' AND value IS NOT NULL"),
    "ticket_comments_28d": line("count(*)", 28, "kind = 'comment'"),
    "ticket_customer_comments_28d": line("count(*)", 28, "kind = 'comment' AND actor = 'customer'"),
    "ticket_back_and_forth_90d": line("1.0 * count(*) / count(DISTINCT ticket_id)", 90, "kind = 'comment'"),
    "tickets_touched_7d": line("count(DISTINCT ticket_id)", 7, "1"),
    "ticket_first_answer_hours_90d": by_first(HOURS, "kind = 'comment' AND actor = 'agent'", 90),
    "ticket_first_answer_vs_own": change(
        by_first(HOURS, "kind = 'comment' AND actor = 'agent'", 28),
        by_first(HOURS, "kind = 'comment' AND actor = 'agent'", 365),
    ),
    "tickets_solved_28d": by_first("count(*)", "kind IN ('solved', 'closed')", 28),
    "ticket_solve_hours_90d": by_first(HOURS, "kind IN ('solved', 'closed')", 90),
    "ticket_solve_vs_own": change(
        by_first(HOURS, "kind IN ('solved', 'closed')", 28), by_first(HOURS, "kind IN ('solved', 'closed')", 365)
    ),
    "ticket_sla_breaches_28d": line("count(*)", 28, "kind = 'sla_breached'"),
    "ticket_sla_breaches_90d": line("count(*)", 90, "kind = 'sla_breached'"),
    "ticket_rating_last": f"(SELECT {RATING} FROM line r WHERE r.account_id = a.account_id AND kind = 'csat' "
    f"AND {NUMBER} {LAST.replace(' LIMIT', ', ticket_id DESC LIMIT')})",
    "ticket_rating_90d": line(f"avg({RATING})", 90, f"kind = 'csat' AND {NUMBER}"),
    "ticket_rating_vs_own": f"({line(f'avg({RATING})', 90, RATED)} - {line(f'avg({RATING})', 365, RATED)})",
    "ticket_ratings_90d": line("count(*)", 90, f"kind = 'csat' AND {NUMBER}"),
    "escalations_28d": line("count(*)", 28, "kind = 'escalated'"),
    "escalations_90d": line("count(*)", 90, "kind = 'escalated'"),
    "escalations_365d": line("count(*)", 365, "kind = 'escalated'"),
    "escalations_open": by_last("count(*)", ESCALATION_CHANGES, "kind = 'escalated'"),
    "escalation_oldest_open_days": by_last(f"max({days_since('at')})", ESCALATION_CHANGES, "kind = 'escalated'"),
    "escalation_recency_days": ask(f"min({days_since('at')})", "line", "kind = 'escalated'"),
    "escalated_tickets_365d": f"(1.0 * {line('count(DISTINCT ticket_id)', 365, ESCALATED)} / "
    f"{tickets('count(*)', 365)})",
}

USAGE = {
    "usage_events_7d": events(7),
    "usage_events_28d": events(28),
    "usage_events_90d": events(90),
    "usage_active_days_7d": used("day", 7),
    "usage_active_days_28d": used("day", 28),
    "usage_active_days_90d": used("day", 90),
    "usage_minutes_7d": minutes(7),
    "usage_minutes_28d": minutes(28),
    "usage_minutes_90d": minutes(90),
    "usage_events_change_7d": change(events(7), events(7, 7)),
    "usage_events_change_28d": change(events(28), events(28, 28)),
    "usage_events_change_90d": change(events(90), events(90, 90)),
    "usage_events_vs_normal": change(f"{events(28)} / 28.0", f"({events(152, 28)} / 152.0)"),
    "usage_minutes_change_28d": change(minutes(28), minutes(28, 28)),
    "usage_active_days_change_28d": change(used("day", 28), used("day", 28, 28)),
    "usage_events_per_active_day_28d": f"(1.0 * {events(28)} / {used('day', 28)})",
    "usage_minutes_per_event_28d": f"({minutes(28)} / {events(28)})",
    "usage_trend_28d": f"({WEEKLY_TREND} * 4 / {events(28)})",
    "usage_recency_days": usage(f"min({days_since('r.day')})", 180, 0, "events > 0"),
    "usage_users_7d": used("user_id", 7),
    "usage_users_28d": used("user_id", 28),
    "usage_users_90d": used("user_id", 90),
    "usage_users_change_28d": change(used("user_id", 28), used("user_id", 28, 28)),
    "usage_users_lost_28d": f"({used('user_id', 56)} - {used('user_id', 28)})",
    "usage_users_busiest_28d": usage("max(users)", 28),
    "usage_features_7d": used("feature", 7),
    "usage_features_28d": used("feature", 28),
    "usage_features_90d": used("feature", 90),
    "usage_features_change_28d": change(used("feature", 28), used("feature", 28, 28)),
    "usage_features_lost_28d": f"({used('feature', 56)} - {used('feature', 28)})",
    "usage_concentration_28d": "(1.0 * (SELECT max(n) FROM (SELECT sum(events) AS n FROM usage_daily r WHERE "
    f"r.account_id = a.account_id AND {within('r.day', 28)} GROUP BY feature)) / {events(28)})",
    "usage_events_per_user_28d": f"(1.0 * {events(28)} / {used('user_id', 28)})",
}

HEALTH = {
    "health_score": score_before(0),
    "health_score_unaided": score_before(0, "source IS NOT 'rescue'"),
    "health_age_days": health(f"min({days_since('measured_at')})", "score IS NOT NULL"),
    "health_measured_90d": health("count(score)", within("measured_at", 90)),
    "health_mean_28d": health("avg(score)", within("measured_at", 28)),
    "health_mean_90d": health("avg(score)", within("measured_at", 90)),
    "health_lowest_90d": health("min(score)", within("measured_at", 90)),
    "health_range_90d": of_one_source(health("max(score) - min(score)", within("measured_at", 90)), 90),
    "health_drop_from_best_180d": of_one_source(
        f"({health('max(score)', within('measured_at', 180))} - {score_before(0)})", 180
    ),
    "health_change_28d": score_change(28),
    "health_change_90d": score_change(90),
    "health_trend_90d": of_one_source(HEALTH_TREND, 90),
    "health_spread_of_sources": ask(
        "max(score) - min(score)",
        "health_scores",
        within("measured_at", 90) + " AND NOT EXISTS (SELECT 1 FROM health_scores n WHERE n.account_id = r.account_id "
        "AND coalesce(n.source, '') = coalesce(r.source, '') AND n.measured_at > r.measured_at)",
    ),
    "health_rescue_share_180d": health(
        "avg(coalesce(source = 'rescue', 0))", f"score IS NOT NULL AND {within('measured_at', 180)}"
    ),
}

DECLARED_METRICS = (
    Metric("nps", "NPS", "points", "good", "NPS"),
    Metric("backlog", "Open work", "%", "bad", "Backlog, it's %"),
)
"""Metrics as settings would declare them; a third is in the generated rows and is declared nowhere."""


def of_metric(metric: Metric) -> dict[str, str]:
    name = "'" + metric.name.replace("'", "''") + "'"
    return {
        f"metric_{metric.key}_last": metric_before(name, 0),
        f"metric_{metric.key}_change_28d": f"({metric_before(name, 0)} - {metric_before(name, 28)})",
        f"metric_{metric.key}_trend_90d": metric_trend(name),
        f"metric_{metric.key}_age_days": ask(
            f"min({days_since('measured_at')})", "metrics", f"metric = {name} AND value IS NOT NULL"
        ),
    }


METRICS = {name: sql for metric in DECLARED_METRICS for name, sql in of_metric(metric).items()}

BILLING = {
    "invoices_overdue": ask("count(*)", "invoices", f"due_at < :t AND {UNPAID}"),
    "invoices_overdue_amount": ask("coalesce(sum(amount), 0)", "invoices", f"due_at < :t AND {UNPAID}"),
    "invoices_overdue_days": ask(f"max({days_since('due_at')})", "invoices", f"due_at < :t AND {UNPAID}"),
    "invoices_unpaid": ask("count(*)", "invoices", UNPAID),
    "invoices_unpaid_amount": ask("coalesce(sum(amount), 0)", "invoices", UNPAID),
    "invoices_days_late_90d": paid(f"avg({LATE})", 90),
    "invoices_days_late_365d": paid(f"avg({LATE})", 365),
    "invoices_days_late_change": f"({paid(f'avg({LATE})', 90)} - {paid(f'avg({LATE})', 365)})",
    "invoices_late_share_365d": paid("avg(date(paid_at) > date(due_at))", 365),
    "invoices_amount_90d": issued("coalesce(sum(amount), 0)", 90),
    "invoices_amount_365d": issued("coalesce(sum(amount), 0)", 365),
    "invoices_amount_change_90d": change(
        issued("coalesce(sum(amount), 0)", 90, 0, "amount > 0"),
        issued("coalesce(sum(amount), 0)", 90, 90, "amount > 0"),
    ),
    "invoices_recency_days": ask(f"min({days_since('issued_at')})", "invoices", ISSUED),
    "invoices_credits_180d": issued("count(*)", 180, 0, "amount < 0"),
}

CHAMPION = " OR ".join(
    f"lower(role) LIKE '%{word}%'" for word in ("champion", "sponsor", "decision", "key contact", "power user")
)
CONTACTS = {
    "contacts_left_90d": ask("count(*)", "contacts", within("left_at", 90)),
    "contacts_champions_left_90d": ask("count(*)", "contacts", f"{within('left_at', 90)} AND ({CHAMPION})"),
    "contacts_champion_left_days": ask(f"min({days_since('left_at')})", "contacts", f"left_at < :t AND ({CHAMPION})"),
}

CONTRACT = {
    "contract_running": running("count(*)"),
    "contract_arr": ARR,
    "contract_seats": SEATS,
    "contract_arr_per_seat": f"({running('sum(arr)', condition='seats IS NOT NULL')} / "
    f"{running('sum(seats)', condition='arr IS NOT NULL')})",
    "contract_plans": running("count(DISTINCT plan)"),
    "contract_overdue_renewals": ask(
        "count(*)", "subscriptions", "renews_at < :t AND (ended_at IS NULL OR ended_at >= :t)"
    ),
    "contract_term_days": running("avg(julianday(date(renews_at)) - julianday(date(started_at)))"),
    "contract_auto_renew_share": running("avg(auto_renew)"),
    "contract_tenure_days": ask(f"max({days_since('started_at')})", "subscriptions"),
    "contract_newest_days": ask(f"min({days_since('started_at')})", "subscriptions"),
    "contract_arr_change_90d": change(ARR, running("sum(arr)", "p90_", 90)),
    "contract_arr_change_365d": change(ARR, running("sum(arr)", "p365_", 365)),
    "contract_seats_change_90d": change(SEATS, running("sum(seats)", "p90_", 90)),
    "contract_seats_change_365d": change(SEATS, running("sum(seats)", "p365_", 365)),
    "contract_started_365d": ask("count(*)", "subscriptions", within("started_at", 365)),
    "contract_ended_365d": ask("count(*)", "subscriptions", f"ended_at IS NOT NULL AND {within('ended_at', 365)}"),
}

ACCOUNT = {
    "account_type": "a.type",
    "segment": "a.segment",
    "industry": "a.industry",
    "region": "a.region",
    "account_age_days": days_since("a.created_at"),
    "account_has_owner": "(a.owner IS NOT NULL)",
    "group_accounts": "(SELECT count(*) FROM accounts b WHERE coalesce(b.parent_id, b.account_id) = "
    "coalesce(a.parent_id, a.account_id))",
}

RESCUES = {
    "rescues_365d": outcomes("1"),
    "rescue_recency_days": ask(f"min({days_since('decided_at')})", "outcomes", DECIDED),
    "rescues_saved_365d": outcomes("verdict = 'saved'"),
    "rescues_lost_365d": outcomes("verdict = 'lost'"),
    "rescues_false_alarm_365d": outcomes("verdict = 'false_alarm'"),
    "rescue_last_verdict": f"(SELECT verdict FROM outcomes r WHERE r.account_id = a.account_id AND {DECIDED} "
    "ORDER BY decided_at DESC, risk DESC LIMIT 1)",
}

ACROSS = {
    "usage_seat_share_28d": (("usage_daily", "subscriptions"), f"(1.0 * {used('user_id', 28)} / {SEATS})"),
    "invoices_overdue_share_of_arr": (
        ("invoices", "subscriptions"),
        f"({ask('coalesce(sum(amount), 0)', 'invoices', f'due_at < :t AND {UNPAID}')} / {ARR})",
    ),
}

SUBJECTS = {
    "tickets": OPENED,
    "ticket_events": WORKED,
    "usage_daily": USAGE,
    "health_scores": HEALTH,
    "metrics": METRICS,
    "invoices": BILLING,
    "subscriptions": CONTRACT,
    "accounts": ACCOUNT,
    "contacts": CONTACTS,
    "outcomes": RESCUES,
}

ORACLE: dict[str, tuple[tuple[str, ...], str]] = {
    name: ((table,), sql) for table, subject in SUBJECTS.items() for name, sql in subject.items()
} | ACROSS
"""By feature: the tables that it needs, and its SQL."""

PORTFOLIO = {
    "usage_events_vs_portfolio": "usage_events_change_28d",
    "usage_recency_vs_portfolio": "usage_recency_days",
}
"""By feature that compares with the portfolio: the account's own value."""

DECLARED = {*ORACLE, *SUCCESSION_FEATURES, *PORTFOLIO, *(name for pair in FEEDS.values() for name in pair)}
"""The features that have an oracle."""
