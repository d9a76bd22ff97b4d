-- The source has a row a term. Terms of one product that follow without a gap are one subscription; each term is a
-- version of it, known when the term starts. end_date is overwritten when a customer leaves within a term, so no version
-- may show it before that day: a term's renewal is its start plus its billing period, and the end is a version of its
-- own, known on the day it happened. No term starts after 2024-01-01,
-- though usage goes on for a month: whether a term that ends later was renewed is not known, so it has not ended.
WITH terms AS (
    SELECT
        *,
        start_date IS DISTINCT FROM lag(end_date) OVER product_terms AS opens,
        end_date IS DISTINCT FROM lead(start_date) OVER product_terms AS closes
    FROM subscription
    WINDOW product_terms AS (PARTITION BY account_id, product ORDER BY start_date)
),
chains AS (
    SELECT
        *,
        max(CASE WHEN opens THEN start_date END) OVER (PARTITION BY account_id, product ORDER BY start_date) AS first_day
    FROM terms
),
states AS (
    SELECT *, start_date AS known_on, CAST(NULL AS DATE) AS ended_on FROM chains
    UNION ALL
    SELECT *, end_date, end_date FROM chains WHERE closes AND end_date <= (SELECT max(start_date) FROM subscription)
)
SELECT
    concat_ws('/', account_id, product, first_day) AS subscription_id,
    account_id,
    product AS plan,
    CASE WHEN units = 'users' THEN quantity END AS seats,
    mrr * 12 AS arr,
    CAST(first_day AS TIMESTAMP) AS started_at,
    start_date + to_months(CAST(bill_period_months AS INTEGER)) AS renews_at,
    CAST(ended_on AS TIMESTAMP) AS ended_at,
    CAST(known_on AS TIMESTAMP) AS known_at
FROM states
