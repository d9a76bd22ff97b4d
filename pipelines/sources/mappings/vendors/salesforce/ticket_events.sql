-- What happened to a case, from its history and its published comments. Escalated is Salesforce's own IsEscalated.
WITH live AS (
    SELECT * FROM support_case
    WHERE is_deleted IS NOT TRUE AND created_date IS NOT NULL AND NOT regexp_matches(coalesce(subject, ''), '\[Rescue [a-z2-7]{13}\]\s*$')
),
agents AS (SELECT id FROM "user" WHERE id IS NOT NULL),
changes AS (
    SELECT h.case_id, h.created_date, lower(h.field) AS field, h.old_value, h.new_value,
        CASE WHEN a.id IS NOT NULL THEN 'agent' ELSE 'system' END AS actor
    FROM case_history AS h
    JOIN live AS c ON c.id = h.case_id
    LEFT JOIN agents AS a ON a.id = h.created_by_id
)
SELECT m.parent_id AS ticket_id, m.created_date AS occurred_at, 'comment' AS kind, m.comment_body AS value,
    CASE WHEN a.id IS NOT NULL THEN 'agent' ELSE 'customer' END AS actor
FROM case_comment AS m
JOIN live AS c ON c.id = m.parent_id
LEFT JOIN agents AS a ON a.id = m.created_by_id
WHERE m.is_published IS NOT FALSE AND NOT regexp_matches(coalesce(m.comment_body, ''), '\(Rescue [a-z2-7]{13}, entry [0-9]+\)[\s{}a-z]*$')
UNION ALL
SELECT case_id, created_date,
    CASE WHEN lower(new_value) = 'closed' THEN 'closed' WHEN lower(old_value) = 'closed' THEN 'reopened' ELSE 'status' END,
    new_value, actor
FROM changes WHERE field = 'status' AND old_value IS NOT NULL
UNION ALL
SELECT case_id, created_date, 'priority', new_value, actor FROM changes WHERE field = 'priority' AND old_value IS NOT NULL
UNION ALL
SELECT case_id, created_date, CASE WHEN lower(new_value) = 'true' THEN 'escalated' ELSE 'deescalated' END, NULL, actor
FROM changes WHERE field = 'isescalated'
UNION ALL
SELECT case_id, created_date, 'assigned', new_value, actor FROM changes WHERE field = 'owner' AND new_value IS NOT NULL
UNION ALL
SELECT id, closed_date, 'closed', 'Closed', 'system' FROM live
WHERE closed_date IS NOT NULL
    AND id NOT IN (SELECT case_id FROM changes WHERE field = 'status' AND lower(new_value) = 'closed')
