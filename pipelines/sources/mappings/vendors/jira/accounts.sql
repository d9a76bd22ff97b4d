-- The companies that issues name; each exists from its first issue. Jira knows nothing else about them.
SELECT c.company_id AS account_id, coalesce(any_value(g.name), any_value(o.name)) AS name, min(i.created) AS created_at,
    'jira' AS source
FROM company_of AS c
JOIN issue AS i ON i.id = c.issue_id
LEFT JOIN organization AS g ON g.id = c.company_id
LEFT JOIN field_option AS o ON o.id = c.company_id
WHERE i.is_deleted IS NOT TRUE
GROUP BY c.company_id
