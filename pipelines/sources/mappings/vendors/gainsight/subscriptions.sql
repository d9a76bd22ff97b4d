-- The company's revenue and renewal date, as one contract from its first day on. A churned company's end is known on that
-- day. Gainsight overwrites all of this: earlier revenue and renewal dates are not known.
WITH contracts AS (
    SELECT * FROM company
    WHERE is_deleted IS NOT TRUE AND (arr > 0 OR renewal_date IS NOT NULL OR churned_at IS NOT NULL) AND created IS NOT NULL
)
SELECT
    id AS subscription_id,
    id AS account_id,
    CAST(users AS BIGINT) AS seats,
    arr,
    upper(currency) AS currency,
    'gainsight' AS source,
    id AS record_id,
    created AS started_at,
    CASE WHEN renewal_date > created THEN renewal_date END AS renews_at,
    CASE WHEN v.ended THEN churned_at END AS ended_at,
    CASE WHEN v.ended THEN churned_at ELSE created END AS known_at
FROM contracts
CROSS JOIN (VALUES (false), (true)) AS v(ended)
WHERE NOT v.ended OR churned_at > created
