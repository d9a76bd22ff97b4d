-- HubSpot has no contracts: each deal that was won is a term, of its own months or of a year, and the next one that is won
-- renews it. A renewal deal that was lost ends the term, which is known on the day on which the deal was closed.
WITH terms AS (
    SELECT
        id,
        account_id,
        coalesce(start_date, close_date) AS started_at,
        coalesce(end_date, coalesce(start_date, close_date) + to_months(CAST(coalesce(term_months, 12) AS INTEGER)))
            AS renews_at,
        coalesce(arr, mrr * 12, amount * 12 / coalesce(term_months, 12)) AS arr,
        upper(currency) AS currency,
        close_date AS known_at
    FROM live_deal
    WHERE is_won AND close_date IS NOT NULL
),
chain AS (
    SELECT
        *,
        lag(id) OVER terms_of AS earlier,
        lag(renews_at) OVER terms_of AS earlier_ends,
        lead(started_at) OVER terms_of AS next_start,
        lead(known_at) OVER terms_of AS next_known
    FROM terms
    WINDOW terms_of AS (PARTITION BY account_id ORDER BY started_at, id)
),
losses AS (
    SELECT c.id, c.renews_at AS ended_at, min(d.close_date) AS known_at
    FROM chain AS c
    JOIN live_deal AS d ON d.account_id = c.account_id
    WHERE d.is_closed AND d.is_won IS NOT TRUE AND contains(lower(coalesce(d.type, '')), 'renew')
        AND c.next_start IS NULL AND d.close_date > c.started_at
    GROUP BY c.id, c.renews_at
),
versions AS (
    SELECT *, CAST(NULL AS TIMESTAMP) AS ended_at, known_at AS learned_at FROM chain
    UNION ALL
    SELECT *, greatest(next_start, started_at), greatest(next_known, known_at) FROM chain
    WHERE next_start <= renews_at + INTERVAL 30 DAY
    UNION ALL
    SELECT c.*, l.ended_at, l.known_at FROM chain AS c JOIN losses AS l ON l.id = c.id
)
SELECT
    id AS subscription_id,
    account_id,
    arr,
    currency,
    CASE WHEN started_at <= earlier_ends + INTERVAL 30 DAY THEN earlier END AS replaces,
    'hubspot' AS source,
    id AS record_id,
    started_at,
    CASE WHEN renews_at > started_at THEN renews_at END AS renews_at,
    ended_at,
    learned_at AS known_at
FROM versions
