-- The accounts of `group` calls, and companies that are known from events only.
SELECT account_id, any_value(name) AS name, any_value(industry) AS industry, any_value(segment) AS segment,
    'segment' AS source, account_id AS record_id, min(created_at) AS created_at
FROM (
    SELECT id AS account_id, name, industry, segment, coalesce(created, first_received) AS created_at FROM newest_company
    UNION ALL
    SELECT account_id, NULL, NULL, NULL, min(time) FROM usage_event WHERE account_id IS NOT NULL GROUP BY account_id
)
WHERE created_at IS NOT NULL
GROUP BY account_id
