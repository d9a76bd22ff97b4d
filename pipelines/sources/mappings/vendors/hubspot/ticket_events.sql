-- Changes of stage, priority and owner. Escalated is a stage or a property with this word. Without the history of
-- properties, only the closing is known.
WITH live AS (
    SELECT * FROM ticket
    WHERE is_deleted IS NOT TRUE AND created IS NOT NULL AND NOT regexp_matches(coalesce(subject, ''), '\[Rescue [a-z2-7]{13}\]\s*$')
),
changes AS (
    SELECT
        h.ticket_id,
        h.name,
        h.moment,
        h.value,
        s.label,
        coalesce(s.closed, upper(s.state) = 'CLOSED') AS closed,
        row_number() OVER history > 1 AS later,
        lag(coalesce(s.closed, upper(s.state) = 'CLOSED')) OVER history AS was_closed
    FROM ticket_property_history AS h
    JOIN live AS t ON t.id = h.ticket_id
    LEFT JOIN ticket_stage AS s ON h.name = 'hs_pipeline_stage' AND s.id = h.value
    WINDOW history AS (PARTITION BY h.ticket_id, h.name ORDER BY h.moment)
)
SELECT ticket_id, moment AS occurred_at,
    CASE WHEN closed THEN 'closed' WHEN was_closed THEN 'reopened' ELSE 'status' END AS kind,
    coalesce(label, value) AS value
FROM changes
WHERE name = 'hs_pipeline_stage' AND later AND NOT contains(lower(coalesce(label, '')), 'escalat')
UNION ALL
SELECT ticket_id, moment, 'priority', value FROM changes WHERE name = 'hs_ticket_priority' AND later AND value IS NOT NULL
UNION ALL
SELECT ticket_id, moment, 'assigned', value FROM changes WHERE name = 'hubspot_owner_id' AND later AND value IS NOT NULL
UNION ALL
SELECT ticket_id, moment, 'escalated', NULL FROM changes
WHERE (name = 'hs_pipeline_stage' AND contains(lower(coalesce(label, '')), 'escalat'))
    OR (contains(lower(name), 'escalat') AND lower(coalesce(value, 'false')) NOT IN ('false', 'no', '0', ''))
UNION ALL
SELECT id, closed, 'closed', NULL FROM live
WHERE closed >= created AND id NOT IN (SELECT ticket_id FROM changes WHERE name = 'hs_pipeline_stage')
