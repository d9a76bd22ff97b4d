-- The simulator gives accounts no date of their own: they exist from their first subscription.
-- date_of_birth says nothing about a company, users is a final value without a clock: both are left out.
SELECT
    a.account_id,
    a.country AS region,
    s.created_at
FROM account AS a
JOIN (SELECT account_id, CAST(min(start_date) AS TIMESTAMP) AS created_at FROM subscription GROUP BY account_id) AS s
    USING (account_id)
