-- A caller is an account, known from the first incident; of a caller's places, the first one.
SELECT
    caller_id AS account_id,
    arg_min(nullif(location, '?'), strptime(opened_at, '%-d/%-m/%Y %H:%M')) AS region,
    min(strptime(opened_at, '%-d/%-m/%Y %H:%M')) AS created_at
FROM incident_event_log
WHERE caller_id <> '?'
GROUP BY caller_id
