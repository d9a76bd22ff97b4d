-- A company exists from its first event. Amplitude knows no name of it.
SELECT account_id, min(time) AS created_at, 'amplitude' AS source FROM usage_event
WHERE account_id IS NOT NULL
GROUP BY account_id
