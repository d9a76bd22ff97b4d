-- Contracts, and for accounts without contracts the opportunities that were won. A won opportunity is a term that begins
-- at its start date (else its close date) and renews after its months (else a year); the next one that is won renews it.
-- A renewal that was lost ends the term before it, and this is known on the day on which the renewal was closed.
WITH terms AS (
    SELECT
        o.id,
        coalesce(s.survivor, o.account_id) AS account_id,
        coalesce(o.start_date, o.close_date) AS started_at,
        coalesce(
            o.end_date,
            coalesce(o.start_date, o.close_date) + to_months(CAST(coalesce(o.term_months, 12) AS INTEGER))
        ) AS renews_at,
        coalesce(o.arr, o.amount * 12 / coalesce(o.term_months, 12)) AS arr,
        o.currency,
        o.auto_renew,
        o.close_date AS known_at
    FROM opportunity AS o
    LEFT JOIN survivor AS s ON s.id = o.account_id
    WHERE o.is_won AND o.is_deleted IS NOT TRUE AND o.close_date IS NOT NULL
        AND o.account_id NOT IN (SELECT account_id FROM contract WHERE account_id IS NOT NULL)
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
    SELECT
        c.id,
        c.renews_at AS ended_at,
        min(o.close_date) AS known_at
    FROM chain AS c
    JOIN opportunity AS o ON o.account_id = c.account_id
    WHERE o.is_closed AND o.is_won IS FALSE AND o.is_deleted IS NOT TRUE AND contains(lower(coalesce(o.type, '')), 'renew')
        AND c.next_start IS NULL AND o.close_date > c.started_at
    GROUP BY c.id, c.renews_at
),
rows AS (
    SELECT id, account_id, started_at, renews_at, arr, currency, auto_renew, earlier, earlier_ends,
        CAST(NULL AS TIMESTAMP) AS ended_at, known_at
    FROM chain
    UNION ALL
    SELECT id, account_id, started_at, renews_at, arr, currency, auto_renew, earlier, earlier_ends,
        greatest(next_start, started_at), greatest(next_known, known_at)
    FROM chain
    WHERE next_start IS NOT NULL AND next_start <= renews_at + INTERVAL 30 DAY
    UNION ALL
    SELECT c.id, c.account_id, c.started_at, c.renews_at, c.arr, c.currency, c.auto_renew, c.earlier, c.earlier_ends,
        l.ended_at, l.known_at
    FROM chain AS c
    JOIN losses AS l ON l.id = c.id
)
SELECT
    id AS subscription_id,
    account_id,
    arr,
    currency,
    CASE WHEN started_at <= earlier_ends + INTERVAL 30 DAY THEN earlier END AS replaces,
    auto_renew,
    'salesforce' AS source,
    id AS record_id,
    started_at,
    renews_at,
    ended_at,
    known_at
FROM rows
UNION ALL
SELECT
    c.id,
    coalesce(s.survivor, c.account_id),
    c.arr,
    c.currency,
    NULL,
    NULL,
    'salesforce',
    c.id,
    c.start_date,
    coalesce(c.end_date, c.start_date + to_months(CAST(c.contract_term AS INTEGER))),
    CASE WHEN v.ended THEN coalesce(c.end_date, c.start_date + to_months(CAST(c.contract_term AS INTEGER))) END,
    CASE
        WHEN v.ended THEN coalesce(c.end_date, c.start_date + to_months(CAST(c.contract_term AS INTEGER)))
        ELSE least(coalesce(c.activated_date, c.start_date), c.start_date)
    END
FROM contract AS c
CROSS JOIN (VALUES (false), (true)) AS v(ended)
LEFT JOIN survivor AS s ON s.id = c.account_id
WHERE c.is_deleted IS NOT TRUE AND c.start_date IS NOT NULL
    AND lower(coalesce(c.status, 'activated')) NOT IN ('draft', 'in approval process')
    AND (NOT v.ended OR lower(c.status) IN ('expired', 'terminated', 'cancelled', 'canceled'))
