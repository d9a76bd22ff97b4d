-- Incidents as they were opened. The present priority and group are not those of the opening: only the audit knows them. An
-- incident without a company is that of its caller's company.
WITH opening AS (
    SELECT document_id, arg_min(before, at_time) FILTER (field = 'priority') AS priority
    FROM audit GROUP BY document_id
)
SELECT
    i.id AS ticket_id,
    i.company_id AS account_id,
    i.opened_at,
    i.contact_type AS channel,
    i.category,
    o.priority,
    i.short_description AS subject,
    i.description AS body,
    i.parent_id AS merged_into,
    'servicenow' AS source,
    i.number AS record_id
FROM live_incident AS i
LEFT JOIN opening AS o ON o.document_id = i.id
