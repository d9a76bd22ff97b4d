-- Answers to polls of the type NPS, 0 to 10, as the metric nps: several answers of one instant are averaged.
SELECT e.account_id, 'nps' AS metric, e.timestamp AS measured_at, avg(TRY_CAST(e.response AS DOUBLE)) AS value,
    'pendo' AS source
FROM poll_event AS e
JOIN poll AS p ON p.id = e.poll_id
WHERE lower(p.type) LIKE '%nps%' AND TRY_CAST(e.response AS DOUBLE) BETWEEN 0 AND 10 AND e.account_id IS NOT NULL
    AND e.timestamp IS NOT NULL
GROUP BY ALL
