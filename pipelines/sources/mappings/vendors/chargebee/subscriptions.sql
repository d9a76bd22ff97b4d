-- A subscription from its first paid day on. Its present revenue and term are one version, a cancellation is another one,
-- known when it was scheduled. One that was cancelled within its trial never began.
WITH live AS (
    SELECT
        s.*,
        CASE WHEN s.trial_end > coalesce(s.started, s.created) THEN s.trial_end
            ELSE coalesce(s.activated, s.started, s.created) END AS started_at,
        s.mrr * 12 / coalesce(u.units, 100) AS arr
    FROM subscription AS s
    LEFT JOIN minor_unit AS u ON u.currency = upper(s.currency)
    WHERE s.is_deleted IS NOT TRUE AND coalesce(s.status, '') NOT IN ('in_trial', 'future')
),
versions AS (
    SELECT *, CAST(NULL AS TIMESTAMP) AS ends, started_at AS learned FROM live
    UNION ALL
    SELECT *, cancelled, greatest(started_at, coalesce(cancel_scheduled, cancelled)) FROM live WHERE cancelled IS NOT NULL
)
SELECT
    id AS subscription_id,
    customer_id AS account_id,
    plan,
    CAST(quantity AS BIGINT) AS seats,
    arr,
    upper(currency) AS currency,
    'chargebee' AS source,
    id AS record_id,
    started_at,
    CASE WHEN term_end > started_at THEN term_end END AS renews_at,
    ends AS ended_at,
    learned AS known_at
FROM versions
WHERE started_at IS NOT NULL AND (cancelled IS NULL OR cancelled > started_at)
