-- Public replies after the description; the dates of a ticket, which are the last ones; service levels that were missed.
SELECT n.ticket_id, n.created AS occurred_at, 'comment' AS kind, n.body AS value,
    CASE WHEN n.incoming THEN 'customer' ELSE 'agent' END AS actor
FROM conversation AS n
JOIN live_ticket AS t ON t.id = n.ticket_id
WHERE n.private IS NOT TRUE AND n.created > t.created
UNION ALL
SELECT id, resolved, 'solved', NULL, 'agent' FROM live_ticket WHERE resolved IS NOT NULL
UNION ALL
SELECT id, closed, 'closed', NULL, 'agent' FROM live_ticket WHERE closed IS NOT NULL
UNION ALL
SELECT id, reopened, 'reopened', NULL, 'customer' FROM live_ticket WHERE reopened IS NOT NULL
UNION ALL
SELECT id, first_reply_due, 'sla_breached', 'first_reply_time', 'system' FROM live_ticket
WHERE first_reply_late AND first_reply_due IS NOT NULL
UNION ALL
SELECT id, due, 'sla_breached', 'resolution_time', 'system' FROM live_ticket WHERE resolution_late AND due IS NOT NULL
UNION ALL
SELECT id, escalated, 'escalated', NULL, 'agent' FROM live_ticket WHERE escalated IS NOT NULL
UNION ALL
SELECT r.ticket_id, r.created, 'csat',
    CASE WHEN r.rating > 100 THEN 'good' WHEN r.rating < 0 THEN 'bad' ELSE 'neutral' END, 'customer'
FROM rating AS r
JOIN live_ticket AS t ON t.id = r.ticket_id
WHERE r.created IS NOT NULL AND r.rating IS NOT NULL
