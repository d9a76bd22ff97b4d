-- Parts of a conversation after its first message, and its versions. Notes are internal.
WITH versions AS (
    SELECT *, lag(priority) OVER history AS priority_before, lag(sla_status) OVER history AS sla_before
    FROM conversation
    WINDOW history AS (PARTITION BY id ORDER BY updated_at)
)
SELECT p.conversation_id AS ticket_id, p.created_at AS occurred_at,
    CASE p.part_type
        WHEN 'comment' THEN 'comment' WHEN 'close' THEN 'closed' WHEN 'open' THEN 'reopened' WHEN 'assignment' THEN 'assigned'
    END AS kind,
    CASE WHEN p.part_type = 'assignment' THEN p.assigned_to_id ELSE regexp_replace(p.body, '<[^>]*>', ' ', 'g') END AS value,
    CASE WHEN p.author_type IN ('user', 'lead', 'contact') THEN 'customer' WHEN p.author_type = 'bot' THEN 'system'
        ELSE 'agent' END AS actor
FROM conversation_part AS p
WHERE p.part_type IN ('comment', 'close', 'open', 'assignment') AND p.conversation_id IN (SELECT id FROM conversation)
UNION ALL
SELECT id, updated_at, 'escalated', NULL, 'agent' FROM versions
WHERE priority = 'priority' AND priority_before = 'not_priority'
UNION ALL
SELECT id, updated_at, 'sla_breached', NULL, 'system' FROM versions
WHERE sla_status = 'missed' AND sla_before IS DISTINCT FROM 'missed'
UNION ALL
SELECT id, min(rated_at), 'csat', any_value(rating), 'customer' FROM conversation
WHERE rating IS NOT NULL AND rated_at IS NOT NULL GROUP BY id
