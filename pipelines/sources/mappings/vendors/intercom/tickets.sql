-- A conversation, in its first version. A conversation with several contacts belongs to the first one's company.
WITH people AS (
    SELECT c.conversation_id, min(o.company_id) AS company_id
    FROM conversation_contact AS c
    JOIN company_of_contact AS o ON o.contact_id = c.contact_id
    GROUP BY c.conversation_id
)
SELECT
    v.id AS ticket_id,
    coalesce(p.company_id, o.company_id) AS account_id,
    v.created_at AS opened_at,
    v.source_type AS channel,
    CASE WHEN v.priority = 'priority' THEN 'high' END AS priority,
    regexp_replace(v.subject, '<[^>]*>', '', 'g') AS subject,
    regexp_replace(v.body, '<[^>]*>', ' ', 'g') AS body,
    'intercom' AS source,
    v.id AS record_id
FROM conversation AS v
LEFT JOIN people AS p ON p.conversation_id = v.id
LEFT JOIN company_of_contact AS o ON o.contact_id = v.source_author_id
WHERE v.created_at IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY v.id ORDER BY v.updated_at NULLS LAST) = 1
