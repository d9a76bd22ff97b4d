-- Events by company, day of UTC and person.
SELECT account_id, CAST(time AS DATE) AS day, feature, user_id, count(*) AS events
FROM usage_event
WHERE account_id IS NOT NULL AND user_id IS NOT NULL
GROUP BY ALL
