-- Changes of status, priority and assignee, and public comments. The reporter of an issue is the customer. Escalated is a
-- status, label or field with this word, or a priority that was raised to the highest.
WITH live AS (
    SELECT * FROM issue
    WHERE is_deleted IS NOT TRUE AND created IS NOT NULL AND NOT regexp_matches(coalesce(summary, ''), '\[Rescue [a-z2-7]{13}\]\s*$')
),
changes AS (
    SELECT
        c.issue_id,
        c.field,
        c.time,
        c.value,
        CASE WHEN c.author_id = i.reporter THEN 'customer' WHEN c.author_id IS NULL THEN 'system' ELSE 'agent' END AS actor,
        c.time > i.created + INTERVAL 1 MINUTE AS later,
        s.name AS status,
        lower(k.name) = 'done' OR lower(s.name) IN ('done', 'resolved', 'closed') AS done,
        coalesce(p.name, c.value) AS priority
    FROM change AS c
    JOIN live AS i ON i.id = c.issue_id
    LEFT JOIN status AS s ON c.field = 'status' AND s.id = c.value
    LEFT JOIN status_category AS k ON k.id = s.category_id
    LEFT JOIN priority AS p ON c.field = 'priority' AND p.id = c.value
),
ordered AS (
    SELECT *, lag(done) OVER history AS was_done, lag(priority) OVER history AS priority_before
    FROM changes
    WINDOW history AS (PARTITION BY issue_id, field ORDER BY time)
)
SELECT issue_id AS ticket_id, time AS occurred_at,
    CASE
        WHEN lower(status) = 'closed' THEN 'closed'
        WHEN done THEN 'solved'
        WHEN was_done THEN 'reopened'
        ELSE 'status'
    END AS kind,
    coalesce(status, value) AS value,
    actor
FROM ordered
WHERE field = 'status' AND later AND NOT contains(lower(coalesce(status, '')), 'escalat')
UNION ALL
SELECT issue_id, time, 'priority', priority, actor FROM ordered
WHERE field = 'priority' AND later AND priority IS DISTINCT FROM priority_before
UNION ALL
SELECT issue_id, time, 'escalated', NULL, actor FROM ordered
WHERE (field = 'priority' AND later AND lower(priority) IN ('highest', 'blocker', 'critical', 'urgent', 'p1')
        AND priority IS DISTINCT FROM priority_before)
    OR (field = 'status' AND contains(lower(coalesce(status, '')), 'escalat'))
    OR (field = 'labels' AND contains(lower(coalesce(value, '')), 'escalat'))
UNION ALL
SELECT c.issue_id, c.time, 'assigned', coalesce(u.name, c.value), c.actor
FROM ordered AS c
LEFT JOIN "user" AS u ON u.id = c.value
WHERE c.field = 'assignee' AND c.later AND c.value IS NOT NULL
UNION ALL
SELECT m.issue_id, m.created, 'comment', m.body, CASE WHEN m.author_id = i.reporter THEN 'customer' ELSE 'agent' END
FROM comment AS m
JOIN live AS i ON i.id = m.issue_id
WHERE m.is_public IS NOT FALSE AND m.created IS NOT NULL
    AND NOT regexp_matches(coalesce(m.body, ''), '\(Rescue [a-z2-7]{13}, entry [0-9]+\)[\s{}a-z]*$')
UNION ALL
SELECT id, resolved, 'solved', NULL, 'agent' FROM live
WHERE resolved IS NOT NULL AND id NOT IN (SELECT issue_id FROM ordered WHERE field = 'status' AND done)
