-- Tickets with their first priority; a ticket without a company is unassigned. Our own records are left out.
WITH opening AS (
    SELECT ticket_id, arg_min(value, moment) AS priority FROM ticket_property_history
    WHERE name = 'hs_ticket_priority' GROUP BY ticket_id
)
SELECT
    t.id AS ticket_id,
    c.company_id AS account_id,
    t.created AS opened_at,
    t.channel,
    t.category,
    o.priority,
    t.subject,
    t.content AS body,
    'hubspot' AS source,
    t.id AS record_id
FROM ticket AS t
LEFT JOIN ticket_of AS c ON c.ticket_id = t.id
LEFT JOIN opening AS o ON o.ticket_id = t.id
WHERE t.is_deleted IS NOT TRUE AND t.created IS NOT NULL
    AND NOT regexp_matches(coalesce(t.subject, ''), '\[Rescue [a-z2-7]{13}\]\s*$')
