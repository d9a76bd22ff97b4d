-- A ticket as it was opened. Its priority and group are the first ones of its history: the present ones are the future of
-- its opening. Left out: deleted tickets, those that a side conversation with a third party creates, and our own records.
WITH merged AS (
    SELECT unnest(regexp_extract_all(merged_ticket_ids, '[0-9]+')) AS merged_id, id AS merged_into
    FROM ticket
    WHERE merged_ticket_ids IS NOT NULL
),
opening AS (
    SELECT
        h.ticket_id,
        arg_min(h.value, h.updated) FILTER (h.field_name = 'priority') AS priority,
        arg_min(h.value, h.updated) FILTER (h.field_name = 'group_id') AS group_id
    FROM field_change AS h
    JOIN ticket AS t ON t.id = h.ticket_id
    WHERE h.updated <= t.created_at + INTERVAL 1 MINUTE
    GROUP BY h.ticket_id
)
SELECT
    t.id AS ticket_id,
    coalesce(t.organization_id, u.organization_id) AS account_id,
    t.created_at AS opened_at,
    t.via_channel AS channel,
    t.type AS category,
    o.priority,
    g.name AS "group",
    t.subject,
    t.description AS body,
    max(m.merged_into) AS merged_into,
    'zendesk' AS source,
    t.id AS record_id,
    regexp_replace(t.url, '/api/v2/tickets/([0-9]+)[.]json$', '/agent/tickets/\1') AS url
FROM ticket AS t
LEFT JOIN "user" AS u ON u.id = t.requester_id
LEFT JOIN opening AS o ON o.ticket_id = t.id
LEFT JOIN "group" AS g ON g.id = o.group_id
LEFT JOIN merged AS m ON m.merged_id = t.id
WHERE lower(coalesce(t.status, '')) <> 'deleted'
    AND t.deleted IS NOT TRUE
    AND lower(coalesce(t.via_channel, '')) <> 'side_conversation'
    AND NOT regexp_matches(coalesce(t.subject, ''), '\[Rescue [a-z2-7]{13}\]\s*$')
GROUP BY ALL
