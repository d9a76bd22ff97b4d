-- Tickets that customers opened. The present priority, type of group and agent are not those of the opening. A ticket
-- without a company is that of its requester's company. A ticket that was merged says so in a note only.
SELECT
    t.id AS ticket_id,
    t.company_id AS account_id,
    t.created AS opened_at,
    t.channel,
    t.type AS category,
    t.subject,
    t.body,
    m.merged_into,
    'freshdesk' AS source,
    t.id AS record_id
FROM live_ticket AS t
LEFT JOIN merge_note AS m ON m.ticket_id = t.id
