-- Events by company, day and person. Mixpanel exports in the time zone of the project: set timezone of this source.
SELECT account_id, CAST(time AS DATE) AS day, name AS feature, distinct_id AS user_id, count(*) AS events
FROM company_event
WHERE account_id IS NOT NULL
GROUP BY ALL
