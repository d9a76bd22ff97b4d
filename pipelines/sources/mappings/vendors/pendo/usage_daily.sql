-- Events of features and pages by account, day and visitor. Pendo counts by the hour, in UTC. All events of an account are
-- read only where neither features nor pages are tagged: they contain both.
WITH names AS (
    SELECT 'feature:' || id AS id, arg_max(name, last_updated_at) AS name FROM feature GROUP BY ALL
    UNION ALL
    SELECT 'page:' || id, arg_max(name, last_updated_at) FROM page GROUP BY ALL
),
events AS (
    SELECT account_id, 'feature:' || feature_id AS id, visitor_id, timestamp, num_events, num_minutes FROM feature_event
    UNION ALL
    SELECT account_id, 'page:' || page_id, visitor_id, timestamp, num_events, num_minutes FROM page_event
    UNION ALL
    SELECT account_id, 'events', visitor_id, timestamp, num_events, num_minutes FROM event
    WHERE (SELECT count(*) FROM feature_event) + (SELECT count(*) FROM page_event) = 0
)
SELECT
    e.account_id,
    CAST(e.timestamp AS DATE) AS day,
    coalesce(nullif(n.name, ''), e.id) AS feature,
    e.visitor_id AS user_id,
    CAST(sum(e.num_events) AS BIGINT) AS events,
    sum(e.num_minutes) AS minutes
FROM events AS e
LEFT JOIN names AS n ON n.id = e.id
WHERE e.account_id IS NOT NULL AND e.timestamp IS NOT NULL AND e.num_events IS NOT NULL
GROUP BY ALL
