-- Events from the audit, and from the dates of an incident itself: those are the last ones, so an earlier reopening is not
-- known without the audit. Escalated is a raised escalation, or the second reassignment to another group.
WITH changes AS (
    SELECT a.document_id AS ticket_id, a.at_time, a.field, a.before, a.value,
        row_number() OVER (PARTITION BY a.document_id, a.field ORDER BY a.at_time) AS step
    FROM audit AS a
    JOIN live_incident AS i ON i.id = a.document_id
    WHERE a.at_time > i.opened_at + INTERVAL 1 MINUTE
)
SELECT ticket_id, at_time AS occurred_at, 'priority' AS kind, value FROM changes WHERE field = 'priority'
UNION ALL
SELECT ticket_id, at_time, 'assigned', value FROM changes WHERE field = 'assignment_group' AND value IS NOT NULL
UNION ALL
SELECT ticket_id, at_time, 'escalated', NULL FROM changes
WHERE (field = 'escalation' AND TRY_CAST(value AS INTEGER) > coalesce(TRY_CAST(before AS INTEGER), 0))
    OR (field = 'assignment_group' AND step = 2)
UNION ALL
SELECT ticket_id, at_time, 'reopened', NULL FROM changes WHERE field = 'reopen_count'
UNION ALL
SELECT id, resolved_at, 'solved', NULL FROM live_incident WHERE resolved_at IS NOT NULL
UNION ALL
SELECT id, closed_at, 'closed', NULL FROM live_incident WHERE closed_at IS NOT NULL
UNION ALL
SELECT id, reopened_at, 'reopened', NULL FROM live_incident
WHERE reopened_at IS NOT NULL AND id NOT IN (SELECT ticket_id FROM changes WHERE field = 'reopen_count')
UNION ALL
SELECT s.task_id, s.breached_at, 'sla_breached', s.sla
FROM task_sla AS s
JOIN live_incident AS i ON i.id = s.task_id
WHERE s.has_breached AND s.breached_at IS NOT NULL AND s.is_deleted IS NOT TRUE
