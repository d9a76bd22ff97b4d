-- A subscription is the sum of its items, in revenue of a year. Each billing period is a version that is known when it
-- begins, and a cancellation is a version that is known on the day on which it was received (canceled_at), which is often
-- before the end. A trial is no contract: a subscription begins with its first paid day, and one that was cancelled
-- within its trial never began. Discounts are not subtracted.
WITH items AS (
    SELECT
        i.subscription_id,
        sum(i.quantity) AS seats,
        any_value(coalesce(p.name, t.nickname)) AS plan,
        max(t.interval) AS interval,
        max(t.interval_count) AS interval_count,
        any_value(t.currency) AS currency,
        sum(
            t.amount / coalesce(u.units, 100) * coalesce(i.quantity, 1) / t.interval_count
            * CASE t.interval WHEN 'day' THEN 365 WHEN 'week' THEN 52 WHEN 'month' THEN 12 ELSE 1 END
        ) AS arr
    FROM subscription_item AS i
    LEFT JOIN tariff AS t ON t.id = i.plan_id
    LEFT JOIN minor_unit AS u ON u.currency = lower(t.currency)
    LEFT JOIN product AS p ON p.id = t.product_id
    GROUP BY i.subscription_id
),
live AS (
    SELECT
        s.*,
        CASE
            WHEN s.trial_end > coalesce(s.start_date, s.created) THEN s.trial_end
            ELSE coalesce(s.start_date, s.created)
        END AS started_at,
        CASE
            WHEN coalesce(s.canceled_at, s.ended_at, s.cancel_at) IS NOT NULL THEN coalesce(
                s.ended_at, s.cancel_at, CASE WHEN s.cancel_at_period_end THEN s.current_period_end END, s.canceled_at
            )
        END AS ended_at_all,
        i.seats,
        i.plan,
        i.arr,
        upper(i.currency) AS currency,
        CASE coalesce(i.interval, 'month')
            WHEN 'day' THEN to_days(CAST(coalesce(i.interval_count, 1) AS INTEGER))
            WHEN 'week' THEN to_days(CAST(7 * coalesce(i.interval_count, 1) AS INTEGER))
            WHEN 'year' THEN to_months(CAST(12 * coalesce(i.interval_count, 1) AS INTEGER))
            ELSE to_months(CAST(coalesce(i.interval_count, 1) AS INTEGER))
        END AS period
    FROM subscription AS s
    LEFT JOIN items AS i ON i.subscription_id = s.id
    WHERE s.livemode IS NOT FALSE AND s.active_version IS NOT FALSE AND s.id IS NOT NULL
        AND coalesce(s.status, '') NOT IN ('incomplete', 'incomplete_expired', 'trialing')
),
running AS (
    SELECT * FROM live
    WHERE started_at IS NOT NULL AND (ended_at_all IS NULL OR ended_at_all > started_at)
),
periods AS (
    SELECT *, unnest(
        CASE
            WHEN started_at > coalesce(current_period_start, started_at) THEN [started_at]
            ELSE list_distinct(list_append(
                generate_series(started_at, coalesce(current_period_start, started_at), period),
                coalesce(current_period_start, started_at)
            ))
        END
    ) AS begins
    FROM running
),
versions AS (
    SELECT
        *,
        CASE
            WHEN begins = current_period_start AND current_period_end > begins THEN current_period_end
            ELSE begins + period
        END AS renews_at,
        CAST(NULL AS TIMESTAMP) AS ends_at,
        begins AS known_at
    FROM periods
    WHERE ended_at_all IS NULL OR begins < least(ended_at_all, coalesce(canceled_at, ended_at_all))
    UNION ALL
    SELECT *, started_at, NULL, ended_at_all, greatest(started_at, coalesce(canceled_at, ended_at_all)) FROM running
    WHERE ended_at_all IS NOT NULL
)
SELECT
    id AS subscription_id,
    customer_id AS account_id,
    plan,
    CAST(seats AS BIGINT) AS seats,
    arr,
    currency,
    'stripe' AS source,
    id AS record_id,
    'https://dashboard.stripe.com/subscriptions/' || id AS url,
    started_at,
    CASE WHEN renews_at > started_at THEN renews_at END AS renews_at,
    ends_at AS ended_at,
    known_at
FROM versions
