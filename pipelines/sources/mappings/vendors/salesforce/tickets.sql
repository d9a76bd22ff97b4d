-- A case as it was opened; priority and team then come from the history, where there is one. Our own records are left out.
SELECT
    c.id AS ticket_id,
    coalesce(s.survivor, c.account_id) AS account_id,
    c.created_date AS opened_at,
    c.origin AS channel,
    c.type AS category,
    h.old_value AS priority,
    c.subject,
    c.description AS body,
    c.master_record_id AS merged_into,
    'salesforce' AS source,
    c.id AS record_id
FROM support_case AS c
LEFT JOIN survivor AS s ON s.id = c.account_id
LEFT JOIN (
    SELECT case_id, arg_min(old_value, created_date) AS old_value FROM case_history
    WHERE lower(field) = 'priority' AND old_value IS NOT NULL GROUP BY case_id
) AS h ON h.case_id = c.id
WHERE c.is_deleted IS NOT TRUE AND c.created_date IS NOT NULL
    AND NOT regexp_matches(coalesce(c.subject, ''), '\[Rescue [a-z2-7]{13}\]\s*$')
