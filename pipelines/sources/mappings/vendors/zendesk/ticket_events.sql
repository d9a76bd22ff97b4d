-- What happened to a ticket after it was opened. Escalated is: a field whose name has "escalat" that was set, a tag
-- with this word that was added; where the help desk has neither, a priority raised to urgent. Internal notes are no
-- comments.
WITH live AS (
    SELECT * FROM ticket
    WHERE lower(coalesce(status, '')) <> 'deleted' AND deleted IS NOT TRUE
        AND lower(coalesce(via_channel, '')) <> 'side_conversation'
        AND NOT regexp_matches(coalesce(subject, ''), '\[Rescue [a-z2-7]{13}\]\s*$')
),
people AS (
    SELECT id, CASE WHEN role = 'end-user' THEN 'customer' WHEN role IN ('agent', 'admin') THEN 'agent' END AS actor
    FROM "user"
),
changes AS (
    SELECT
        h.ticket_id,
        h.updated AS occurred_at,
        lower(h.field_name) AS field,
        h.value,
        lag(h.value) OVER (PARTITION BY h.ticket_id, h.field_name ORDER BY h.updated) AS before,
        coalesce(p.actor, 'system') AS actor,
        h.updated > t.created_at + INTERVAL 1 MINUTE AS later
    FROM field_change AS h
    JOIN live AS t ON t.id = h.ticket_id
    LEFT JOIN people AS p ON p.id = h.user_id
),
comments AS (
    SELECT
        c.ticket_id,
        c.created AS occurred_at,
        c.body,
        coalesce(p.actor, 'system') AS actor,
        row_number() OVER (PARTITION BY c.ticket_id ORDER BY c.created, c.id) = 1
            AND c.created <= t.created_at + INTERVAL 1 MINUTE AS opening
    FROM comment AS c
    JOIN live AS t ON t.id = c.ticket_id
    LEFT JOIN people AS p ON p.id = c.user_id
    WHERE c.public IS NOT FALSE AND NOT regexp_matches(coalesce(c.body, ''), '\(Rescue [a-z2-7]{13}, entry [0-9]+\)[\s{}a-z]*$')
),
latest AS (SELECT max(updated_at) AS known_until FROM ticket),
targets AS (
    SELECT
        s.ticket_id,
        s.policy_applied_at + to_minutes(CAST(m.target AS BIGINT)) AS due_at
    FROM ticket_sla_policy AS s
    JOIN live AS t ON t.id = s.ticket_id
    JOIN sla_policy_metric_history AS m ON m.sla_policy_id = s.sla_policy_id
    JOIN changes AS p ON p.ticket_id = s.ticket_id AND p.field = 'priority' AND p.value = m.priority
    WHERE m.metric = 'first_reply_time' AND m.business_hours IS FALSE AND p.occurred_at <= s.policy_applied_at
    QUALIFY row_number() OVER (
        PARTITION BY s.ticket_id ORDER BY s.policy_applied_at, p.occurred_at DESC, m.sla_policy_updated_at DESC
    ) = 1
)
SELECT ticket_id, occurred_at, 'comment' AS kind, body AS value, actor FROM comments WHERE NOT opening
UNION ALL
SELECT
    ticket_id,
    occurred_at,
    CASE
        WHEN value = 'solved' THEN 'solved'
        WHEN value = 'closed' THEN 'closed'
        WHEN before IN ('solved', 'closed') THEN 'reopened'
        ELSE 'status'
    END,
    value,
    actor
FROM changes
WHERE field = 'status' AND later AND value IS DISTINCT FROM before
UNION ALL
SELECT ticket_id, occurred_at, 'priority', value, actor FROM changes
WHERE field = 'priority' AND later AND value IS NOT NULL AND value IS DISTINCT FROM before
UNION ALL
SELECT ticket_id, occurred_at, 'escalated', NULL, actor FROM changes
WHERE field = 'priority' AND later AND value = 'urgent' AND before IS DISTINCT FROM 'urgent'
    AND NOT EXISTS (
        SELECT 1 FROM changes AS c
        WHERE c.field LIKE '%escalat%' OR (c.field = 'tags' AND contains(lower(coalesce(c.value, '')), 'escalat'))
    )
UNION ALL
SELECT
    ticket_id,
    occurred_at,
    CASE WHEN lower(coalesce(value, 'false')) IN ('false', 'no', '0', '') THEN 'deescalated' ELSE 'escalated' END,
    NULL,
    actor
FROM changes
WHERE field LIKE '%escalat%' AND value IS DISTINCT FROM before
    AND NOT (lower(coalesce(value, 'false')) IN ('false', 'no', '0', '') AND before IS NULL)
UNION ALL
SELECT ticket_id, occurred_at, 'escalated', NULL, actor FROM changes
WHERE field = 'tags' AND contains(lower(coalesce(value, '')), 'escalat')
    AND NOT contains(lower(coalesce(before, '')), 'escalat')
UNION ALL
SELECT c.ticket_id, c.occurred_at, 'assigned', coalesce(g.name, u.name, c.value), c.actor
FROM changes AS c
LEFT JOIN "group" AS g ON c.field = 'group_id' AND g.id = c.value
LEFT JOIN "user" AS u ON c.field = 'assignee_id' AND u.id = c.value
WHERE c.field IN ('group_id', 'assignee_id') AND c.later AND c.value IS NOT NULL AND c.value IS DISTINCT FROM c.before
UNION ALL
SELECT e.ticket_id, e.time, 'sla_breached', e.metric, 'system'
FROM ticket_metric_event AS e
JOIN live AS t ON t.id = e.ticket_id
WHERE e.type = 'breach' AND e.deleted IS NOT TRUE
UNION ALL
SELECT s.ticket_id, s.due_at, 'sla_breached', 'first_reply_time', 'system'
FROM targets AS s
CROSS JOIN latest AS l
WHERE s.due_at < l.known_until
    AND s.ticket_id NOT IN (SELECT ticket_id FROM ticket_metric_event WHERE ticket_id IS NOT NULL)
    AND NOT EXISTS (
        SELECT 1 FROM comments AS c
        WHERE c.ticket_id = s.ticket_id AND c.actor = 'agent' AND c.occurred_at <= s.due_at
    )
UNION ALL
SELECT r.ticket_id, coalesce(r.updated_at, r.created_at), 'csat', r.score, 'customer'
FROM satisfaction_rating AS r
JOIN live AS t ON t.id = r.ticket_id
WHERE r.score IS NOT NULL AND r.score NOT IN ('offered', 'unoffered')
